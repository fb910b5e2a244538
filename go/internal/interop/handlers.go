package main

import (
	"context"

	"sealpipe"
)

// writeBack also tries what has to be refused.
func writeBack(conn *sealpipe.Conn, message sealpipe.Message) {
	if message.Type == zeroType {
		message.Type = 0
	}
	_ = conn.Write(context.Background(), message.Type, message.Data)
}

const (
	zeroType       = 99
	trafficMessage = 1
	trafficRequest = 2
	echoRequest    = 11
	failRequest    = 12
	endlessRequest = 13
	traceRequest   = 14
	// failureBytes is the most that a failure may have.
	failureBytes = 65_536
)

func (e *end) handlers() map[uint32]sealpipe.Handler {
	return map[uint32]sealpipe.Handler{
		echoRequest: func(_ context.Context, r *sealpipe.Request) ([]byte, error) { return r.Data, nil },
		failRequest: func(context.Context, *sealpipe.Request) ([]byte, error) {
			return nil, &sealpipe.Error{Code: "NOT_FOUND", Message: "not here", Data: pattern(failureBytes, 4)}
		},
		trafficRequest: func(_ context.Context, r *sealpipe.Request) ([]byte, error) { return e.traffic.handle(r.Data), nil },
		traceRequest:   func(ctx context.Context, _ *sealpipe.Request) ([]byte, error) { return []byte(traceOf(ctx)), nil },
		endlessRequest: func(ctx context.Context, _ *sealpipe.Request) ([]byte, error) {
			say(line{"event": "begun"})
			<-ctx.Done()
			say(line{"event": "cancelled"})
			return nil, ctx.Err()
		},
	}
}

func traceOf(ctx context.Context) string {
	trace := sealpipe.TraceOf(ctx)
	return trace.Traceparent + " " + trace.Tracestate
}
