package sealpipe

import (
	"context"

	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

// TraceContext is the trace of W3C Trace Context that a request or a stream belongs to, the format of OpenTelemetry and others. The
// library carries it, and takes nothing from it.
type TraceContext = wire.TraceContext

type traceKey struct{}

// WithTrace is the context with a trace: a Request or an OpenStream with it belongs to that trace, also at the other end. The
// context of a handler has the trace of what it handles. A peer whose library cannot read traces gets the same without. With a
// Traceparent or a Tracestate that is not as W3C Trace Context has it, Request and OpenStream fail with ErrInvalidArgument; without
// a Traceparent there is no trace.
func WithTrace(ctx context.Context, trace TraceContext) context.Context {
	return context.WithValue(ctx, traceKey{}, trace)
}

// TraceOf is the trace of the context; the zero value if it has none.
func TraceOf(ctx context.Context) TraceContext {
	trace, _ := ctx.Value(traceKey{}).(TraceContext)
	return trace
}

func traceToSend(ctx context.Context) (*TraceContext, error) { return TraceOf(ctx).Known() }

func withTraceOf(ctx context.Context, event *session.Event) context.Context {
	if event.Trace == nil {
		return ctx
	}
	return WithTrace(ctx, *event.Trace)
}
