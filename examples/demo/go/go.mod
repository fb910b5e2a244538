module sealpipe.test/demo

go 1.24

require sealpipe v0.0.0

require (
	github.com/Microsoft/go-winio v0.6.2 // indirect
	golang.org/x/sys v0.33.0 // indirect
)

replace sealpipe => ../../../go
