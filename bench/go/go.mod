module sealpipe.test/bench

go 1.26.0

require (
	github.com/james-barrow/golang-ipc v1.2.4
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12
	sealpipe v0.0.0
)

require (
	github.com/Microsoft/go-winio v0.6.2 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
)

replace sealpipe => ../../go
