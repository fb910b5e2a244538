package sealpipe_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sealpipe"
)

const aTraceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// tellTrace answers with the trace of what it handles.
func tellTrace(ctx context.Context, _ *sealpipe.Request) ([]byte, error) {
	trace := sealpipe.TraceOf(ctx)
	return []byte(trace.Traceparent + " " + trace.Tracestate), nil
}

func TestATraceGoesWithARequestAndAStream(t *testing.T) {
	eachOpener(t, nil, func(t *testing.T, opener, handler *sealpipe.Conn) {
		handler.Handle(1, tellTrace)
		handler.HandleStream(1, func(ctx context.Context, stream *sealpipe.Stream) error {
			answer, _ := tellTrace(ctx, nil)
			return stream.Write(ctx, answer)
		})
		for _, trace := range []sealpipe.TraceContext{
			{}, {Traceparent: aTraceparent}, {Traceparent: aTraceparent, Tracestate: "a=b"}, {Traceparent: aTraceparent, Tracestate: strings.Repeat("~", 512)},
		} {
			ctx := sealpipe.WithTrace(soon(t), trace)
			// Of one frame, of one with memory of its own, of one that the trace makes too long, and of several.
			for _, size := range []int{0, 20_000, 130_030, 500_000} {
				answer, err := opener.Request(ctx, 1, make([]byte, size))
				must(t, err)
				stream, err := opener.OpenStream(ctx, 1, make([]byte, size))
				must(t, err)
				item, err := stream.Read(ctx)
				must(t, err)
				if want := trace.Traceparent + " " + trace.Tracestate; string(answer) != want || item.Text() != want {
					t.Errorf("%d bytes: %q and %q, not %q", size, answer, item.Text(), want)
				}
				must(t, stream.Close())
			}
		}
	})
}

func TestATraceThatIsNoneIsRefused(t *testing.T) {
	_, client := pair(t, nil, nil)
	for _, trace := range []sealpipe.TraceContext{
		{Traceparent: "x"}, {Traceparent: strings.ToUpper(aTraceparent)}, {Traceparent: aTraceparent + "-"},
		{Traceparent: "ff" + aTraceparent[2:]}, {Traceparent: "00-" + strings.Repeat("0", 32) + aTraceparent[35:]},
		{Traceparent: aTraceparent[:36] + strings.Repeat("0", 16) + aTraceparent[52:]}, {Traceparent: strings.Replace(aTraceparent, "-b", "_b", 1)},
		{Traceparent: aTraceparent, Tracestate: "\n"}, {Traceparent: aTraceparent, Tracestate: strings.Repeat("~", 513)},
		{Traceparent: aTraceparent, Tracestate: "é"},
	} {
		ctx := sealpipe.WithTrace(soon(t), trace)
		if _, err := client.Request(ctx, 1, nil); !errors.Is(err, sealpipe.ErrInvalidArgument) {
			t.Errorf("a request with %+v: %v", trace, err)
		}
		if _, err := client.OpenStream(ctx, 1, nil); !errors.Is(err, sealpipe.ErrInvalidArgument) {
			t.Errorf("a stream with %+v: %v", trace, err)
		}
	}
}

func TestATraceOfALaterVersionIsSaidInTheFirst(t *testing.T) {
	server, client := pair(t, nil, nil)
	server.Handle(1, tellTrace)
	ctx := sealpipe.WithTrace(soon(t), sealpipe.TraceContext{Traceparent: "07" + aTraceparent[2:] + "-more"})
	answer, err := client.Request(ctx, 1, nil)
	must(t, err)
	if string(answer) != aTraceparent+" " {
		t.Errorf("%q", answer)
	}
}

func TestARequestThatWaitsForAConnectionKeepsItsTrace(t *testing.T) {
	listener, name := listen(t, nil)
	client := dial(t, name, &sealpipe.Options{RetryDelay: time.Millisecond})
	must(t, listener.Close())
	awaitStatus(t, client, sealpipe.Reconnecting)
	answered := make(chan string, 2)
	for _, size := range []int{0, 500_000} {
		go func() {
			ctx := sealpipe.WithTrace(soon(t), sealpipe.TraceContext{Traceparent: aTraceparent, Tracestate: "a=b"})
			answer, err := client.Request(ctx, 1, make([]byte, size))
			if err != nil {
				t.Error(err)
			}
			answered <- string(answer)
		}()
	}
	again, err := sealpipe.Listen(name, nil)
	must(t, err)
	again.Handle(1, tellTrace)
	for range 2 {
		if answer := <-answered; answer != aTraceparent+" a=b" {
			t.Errorf("%q", answer)
		}
	}
	must(t, client.Close())
	must(t, again.Close())
}
