module sealpipe.test/interop/v1.0.0

go 1.21

require (
	github.com/james-barrow/golang-ipc v1.0.0
	sealpipe.test/interop/peer v0.0.0
)

require (
	github.com/Microsoft/go-winio v0.4.16 // indirect
	golang.org/x/sys v0.0.0-20190916202348-b4ddaad3f8a3 // indirect
)

replace sealpipe.test/interop/peer => ../peer
