package main

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// grpcPeer is gRPC over a Unix socket: messages are those of one stream both ways, requests are unary calls. The service is
// written here as protoc-gen-go-grpc writes one.
type grpcPeer struct{}

const (
	streamMethod = "/bench.Bench/Talk"
	unaryMethod  = "/bench.Bench/Ask"
	// maxGRPCBytes has room for the largest message.
	maxGRPCBytes = 8 << 20
)

type benchServer interface{ talk(grpc.ServerStream) error }

type grpcServer struct{ opened func(channel) }

func (s grpcServer) talk(stream grpc.ServerStream) error {
	s.opened(grpcChannel{stream: stream})
	return nil
}

var service = grpc.ServiceDesc{
	ServiceName: "bench.Bench", HandlerType: (*benchServer)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Ask", Handler: answerAsked}},
	Streams: []grpc.StreamDesc{{
		StreamName: "Talk", ServerStreams: true, ClientStreams: true,
		Handler: func(server any, stream grpc.ServerStream) error { return server.(benchServer).talk(stream) },
	}},
}

// answerAsked answers with what was asked.
func answerAsked(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	asked := &wrapperspb.BytesValue{}
	return asked, decode(asked)
}

// grpcStream is what a client's stream and a server's have in common.
type grpcStream interface {
	SendMsg(message any) error
	RecvMsg(message any) error
}

type grpcChannel struct {
	stream grpcStream
	client *grpc.ClientConn
}

func (grpcPeer) listen(name string, opened func(channel)) (func(), error) {
	listener, err := net.Listen("unix", socketPath(name))
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxGRPCBytes))
	server.RegisterService(&service, grpcServer{opened})
	go func() { _ = server.Serve(listener) }()
	return server.Stop, nil
}

func (grpcPeer) connect(name string) (channel, error) {
	client, err := grpc.NewClient("unix://"+socketPath(name), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxGRPCBytes)))
	if err != nil {
		return nil, err
	}
	stream, err := client.NewStream(context.Background(), &service.Streams[0], streamMethod, grpc.WaitForReady(true))
	return grpcChannel{stream, client}, err
}

func (c grpcChannel) send(body []byte) error { return c.stream.SendMsg(wrapperspb.Bytes(body)) }

func (c grpcChannel) receive(handle func([]byte)) {
	message := &wrapperspb.BytesValue{}
	for {
		if err := c.stream.RecvMsg(message); err != nil {
			return
		}
		handle(message.Value)
	}
}

func (c grpcChannel) request(body []byte) ([]byte, error) {
	answer := &wrapperspb.BytesValue{}
	err := c.client.Invoke(context.Background(), unaryMethod, wrapperspb.Bytes(body), answer)
	return answer.Value, err
}

func (c grpcChannel) close() {
	if c.client != nil {
		_ = c.client.Close()
	}
}
