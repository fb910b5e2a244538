package sealpipe_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"sealpipe"
	"sealpipe/internal/wire"
)

// streamHello is a client's that has streams, of which it says what it takes.
func streamHello(maxConcurrent, window uint32) []byte {
	hello := wire.NativeHello{
		MaxMessageBytes: wire.DefaultMaxMessageBytes, Windows: [3]uint32{wire.MinWindow, wire.MinWindow, wire.MinWindow},
		Offers: &wire.Offers{
			Features: wire.FeatureStreams | wire.FeatureContext, StreamLaneWindow: wire.MaxWindow, MaxConcurrentStreams: maxConcurrent, StreamWindow: window,
		},
	}
	return bytes.Join([][]byte{{0, 1}, frames(hello.Encode(wire.ClientSide))}, nil)
}

func streamFrame(kind wire.Kind, id uint32, rest ...byte) []byte {
	frame := wire.AppendFrameHeader(nil, kind, 4+len(rest))
	return append(binary.BigEndian.AppendUint32(frame, id), rest...)
}

func openFrame(id uint32) []byte { return streamFrame(wire.KindStreamOpen, id, 0, 0, 0, 1) }

var aTrace = &sealpipe.TraceContext{Traceparent: aTraceparent}

func many(count int, frame func(index int) []byte) (all []byte) {
	for index := range count {
		all = append(all, frames(frame(index))...)
	}
	return all
}

func TestWhatAPeerDoesWithStreamsEndsItsConnectionAndNoOther(t *testing.T) {
	item := func(data int) []byte { return streamFrame(wire.KindItem, 1, make([]byte, data)...) }
	for name, c := range map[string]struct {
		says []byte
		code sealpipe.Code
	}{
		"an id of the other side's kind": {frames(openFrame(2)), sealpipe.ErrFrameInvalid},
		"the id 0":                       {frames(openFrame(0)), sealpipe.ErrFrameInvalid},
		"an id twice":                    {frames(openFrame(1), openFrame(1)), sealpipe.ErrFrameInvalid},
		"an id before the last":          {frames(openFrame(3), openFrame(1)), sealpipe.ErrFrameInvalid},
		"the type 0":                     {frames(streamFrame(wire.KindStreamOpen, 1, 0, 0, 0, 0)), sealpipe.ErrFrameInvalid},
		"one too many": {
			frames(openFrame(1), openFrame(3), openFrame(5)), sealpipe.ErrFrameInvalid,
		},
		"an item of what was never opened":  {frames(item(1)), sealpipe.ErrFrameInvalid},
		"an item after the end":             {frames(openFrame(1), streamFrame(wire.KindStreamEnd, 1), item(1)), sealpipe.ErrFrameInvalid},
		"an end twice":                      {frames(openFrame(1), streamFrame(wire.KindStreamEnd, 1), streamFrame(wire.KindStreamEnd, 1)), sealpipe.ErrFrameInvalid},
		"credit for what was not sent":      {frames(openFrame(1), streamFrame(wire.KindStreamCredit, 1, 0, 0, 0, 0, 0, 0, 0, 1)), sealpipe.ErrFrameInvalid},
		"credit of 2^53":                    {frames(openFrame(1), streamFrame(wire.KindStreamCredit, 1, 0, 0x20, 0, 0, 0, 0, 0, 0)), sealpipe.ErrFrameInvalid},
		"a reset without a code":            {frames(openFrame(1), streamFrame(wire.KindStreamReset, 1, 0, 0)), sealpipe.ErrFrameInvalid},
		"a part without a start":            {frames(openFrame(1), wire.AppendFrameHeader(nil, wire.KindStreamPart, 0)), sealpipe.ErrFrameInvalid},
		"an item that is cut short":         {frames(openFrame(1), []byte{byte(wire.KindItem), 0, 0, 3, 0, 0, 0}), sealpipe.ErrFrameInvalid},
		"an unknown kind":                   {frames([]byte{0x4a, 0, 0, 4, 0, 0, 0, 1}), sealpipe.ErrFrameInvalid},
		"an acknowledgement of three lanes": {frames(append([]byte{2, 0, 0, 24}, make([]byte, 24)...)), sealpipe.ErrFrameInvalid},
		"an item of 4 GiB": {
			frames(openFrame(1), streamFrame(wire.KindItemStart, 1, append([]byte{0xff, 0xff, 0xff, 0xff}, make([]byte, 16_384)...)...)),
			sealpipe.ErrPeerMessageTooLarge,
		},
		"a frame within a large item": {
			frames(openFrame(1), streamFrame(wire.KindItemStart, 1, append([]byte{0, 0, 0xff, 0xff}, make([]byte, 16_384)...)...), item(1)),
			sealpipe.ErrFrameInvalid,
		},
		"a context, and then an item of another stream": {
			frames(openFrame(1), aTrace.Frame(wire.KindStreamContext, 3), item(1)), sealpipe.ErrFrameInvalid,
		},
		"a context, and then the opening of another": {
			frames(aTrace.Frame(wire.KindStreamContext, 1), openFrame(3)), sealpipe.ErrFrameInvalid,
		},
		"items without credit": {
			append(frames(openFrame(1)), many(3, func(int) []byte { return item(40_000) })...), sealpipe.ErrWindowExceeded,
		},
		"openings that are reset, without an acknowledgement": {
			many(20_000, func(index int) []byte { return streamFrame(wire.KindStreamOpen, uint32(2*index+1), 0, 0, 0, 99) }),
			sealpipe.ErrWindowExceeded,
		},
	} {
		t.Run(name, func(t *testing.T) {
			listener, channel, failed := plainServer(t, sealpipe.Options{
				MaxConcurrentStreams: 2, StreamWindowBytes: 65_536, ResumeWindow: sealpipe.Never,
			})
			listener.HandleStream(1, func(ctx context.Context, _ *sealpipe.Stream) error { <-ctx.Done(); return nil })
			conn := raw(t, channel)
			go func() { _, _ = io.Copy(io.Discard, conn) }()
			_, _ = conn.Write(append(streamHello(2, 65_536), c.says...))
			_ = conn.(*net.UnixConn).CloseWrite()
			if err := <-failed; !errors.Is(err, c.code) {
				t.Errorf("%v, not %s", err, c.code)
			}
			isServed(t, listener, channel)
		})
	}
}

func TestAStreamFrameIsRefusedFromAPeerThatHasNotAgreedOnThem(t *testing.T) {
	listener, channel, failed := plainServer(t, sealpipe.Options{ResumeWindow: sealpipe.Never})
	_, err := raw(t, channel).Write(bytes.Join([][]byte{{0, 1}, nativeHello, frames(openFrame(1))}, nil))
	must(t, err)
	if err := <-failed; !errors.Is(err, sealpipe.ErrFrameInvalid) {
		t.Error(err)
	}
	isServed(t, listener, channel)
}

func TestStreamsAreOverBeforeAPeerThatDoesNotReadHasLetTheConnectionClose(t *testing.T) {
	listener, channel, _ := plainServer(t, sealpipe.Options{CloseTimeout: time.Hour})
	began, over := make(chan struct{}), make(chan error, 1)
	listener.HandleStream(1, func(ctx context.Context, _ *sealpipe.Stream) error {
		close(began)
		<-ctx.Done()
		over <- context.Cause(ctx)
		return nil
	})
	conn := raw(t, channel)
	_, err := conn.Write(append(streamHello(2, wire.MinWindow), frames(openFrame(1))...))
	must(t, err)
	server, err := listener.Accept(soon(t))
	must(t, err)
	<-began
	must(t, server.Write(soon(t), 1, make([]byte, 2_000_000)))
	closed := make(chan error, 1)
	go func() { closed <- server.Close() }()
	select {
	case cause := <-over:
		if !errors.Is(cause, sealpipe.ErrClosed) {
			t.Errorf("the handler's context ends for %v", cause)
		}
	case <-closed:
		t.Error("the connection is closed, and nobody has read what it wrote")
	case <-soon(t).Done():
		t.Error("the handler goes on")
	}
	must(t, conn.Close())
	<-closed
}

func TestWhatWaitsForAPeerThatClaimsLargeWindowsIsBounded(t *testing.T) {
	const maxQueuedBytes = 1_000_000
	listener, channel, _ := plainServer(t, sealpipe.Options{MaxQueuedBytes: maxQueuedBytes})
	held := make(chan error, 1)
	written := 0
	listener.HandleStream(1, func(ctx context.Context, stream *sealpipe.Stream) error {
		brief, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		err := error(nil)
		for ; err == nil; written += 10_000 {
			err = stream.Write(brief, make([]byte, 10_000))
		}
		held <- err
		return err
	})
	conn := raw(t, channel)
	_, err := conn.Write(append(streamHello(2, wire.MaxWindow), frames(openFrame(1))...))
	must(t, err)
	if err := <-held; !errors.Is(err, sealpipe.ErrQueueFull) {
		t.Errorf("the writer gets %v", err)
	}
	if written > maxQueuedBytes+20_000 {
		t.Errorf("%d bytes were taken for a peer that acknowledges nothing", written)
	}
}
