package sealpipe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"sealpipe"
)

// echoItems sends back what comes, until the peer ends.
func echoItems(ctx context.Context, stream *sealpipe.Stream) error {
	for item, err := range stream.Items(ctx) {
		if err != nil {
			return err
		}
		if err := stream.Write(ctx, item.Data); err != nil {
			return err
		}
	}
	return nil
}

// eachOpener tries with streams that a client opens, and with those that a server opens.
func eachOpener(t *testing.T, options *sealpipe.Options, try func(t *testing.T, opener, handler *sealpipe.Conn)) {
	t.Run("client", func(t *testing.T) { server, client := pair(t, options, options); try(t, client, server) })
	t.Run("server", func(t *testing.T) { server, client := pair(t, options, options); try(t, server, client) })
}

func open(t testing.TB, c *sealpipe.Conn, streamType uint32, text string) *sealpipe.Stream {
	t.Helper()
	stream, err := c.OpenStream(context.Background(), streamType, []byte(text))
	must(t, err)
	t.Cleanup(func() { _ = stream.Close() })
	return stream
}

// handled gives the streams that come, whose handlers go on until the test ends or their context.
func handled(t testing.TB, c *sealpipe.Conn, streamType uint32) <-chan *sealpipe.Stream {
	came, over := make(chan *sealpipe.Stream, 100), make(chan struct{})
	t.Cleanup(func() { close(over) })
	c.HandleStream(streamType, func(ctx context.Context, stream *sealpipe.Stream) error {
		came <- stream
		select {
		case <-over:
		case <-ctx.Done():
		}
		return nil
	})
	return came
}

func TestStreamsHaveItemsBothWaysInOrder(t *testing.T) {
	for _, way := range []string{"native", "native plain", "native secret"} {
		options := ways[way]
		t.Run(way, func(t *testing.T) {
			eachOpener(t, &options, func(t *testing.T, opener, handler *sealpipe.Conn) {
				handler.HandleStream(5, func(ctx context.Context, stream *sealpipe.Stream) error {
					if stream.Type != 5 || string(stream.Data) != "hello" || stream.Conn != handler {
						t.Errorf("opened with %d, %q", stream.Type, stream.Data)
					}
					return echoItems(ctx, stream)
				})
				stream := open(t, opener, 5, "hello")
				sizes := []int{0, 1, 64, 16_376, 16_377, 65_536, 130_040, 130_041, 1_000_000}
				go func() {
					for number, size := range sizes {
						if err := stream.Write(soon(t), content(size, number)); err != nil {
							t.Error(err)
						}
					}
					_ = stream.CloseWrite()
				}()
				count := 0
				for item, err := range stream.Items(soon(t)) {
					must(t, err)
					if !bytes.Equal(item.Data, content(sizes[count], count)) {
						t.Fatalf("item %d has %d other bytes", count, len(item.Data))
					}
					count++
				}
				if count != len(sizes) {
					t.Errorf("%d items", count)
				}
				if _, err := stream.Read(soon(t)); err != io.EOF {
					t.Errorf("after the end: %v", err)
				}
				if err := stream.Write(soon(t), nil); !errors.Is(err, sealpipe.ErrClosed) {
					t.Errorf("a write after the end: %v", err)
				}
			})
		})
	}
}

func TestAStreamIsOpenedWithLargeData(t *testing.T) {
	eachOpener(t, nil, func(t *testing.T, opener, handler *sealpipe.Conn) {
		came := handled(t, handler, 1)
		stream, err := opener.OpenStream(soon(t), 1, content(500_000, 1))
		must(t, err)
		must(t, stream.WriteText(soon(t), "and an item"))
		at := <-came
		item, err := at.Read(soon(t))
		must(t, err)
		if !bytes.Equal(at.Data, content(500_000, 1)) || item.Text() != "and an item" {
			t.Errorf("%d bytes, and %q", len(at.Data), item.Text())
		}
	})
}

func TestManyStreamsAtATimeAndOneAfterTheOther(t *testing.T) {
	eachOpener(t, &sealpipe.Options{MaxConcurrentStreams: 8}, func(t *testing.T, opener, handler *sealpipe.Conn) {
		handler.HandleStream(1, echoItems)
		var talking sync.WaitGroup
		for worker := range 16 {
			talking.Add(1)
			go func() {
				defer talking.Done()
				for round := range 20 {
					stream, err := opener.OpenStream(soon(t), 1, nil)
					if err != nil {
						t.Error(err)
						return
					}
					for number := range 10 {
						text := fmt.Sprint(worker, round, number)
						if err := stream.WriteText(soon(t), text); err != nil {
							t.Error(err)
						}
						if item, err := stream.Read(soon(t)); err != nil || item.Text() != text {
							t.Errorf("%q, %v", item.Text(), err)
						}
					}
					_ = stream.Close()
				}
			}()
		}
		talking.Wait()
	})
}

func TestWhatNobodyReadsHoldsUpItsWriterAndNothingElse(t *testing.T) {
	eachOpener(t, &sealpipe.Options{StreamWindowBytes: 65_536}, func(t *testing.T, opener, handler *sealpipe.Conn) {
		came := handled(t, handler, 1)
		handler.HandleStream(2, echoItems)
		handler.Handle(3, func(context.Context, *sealpipe.Request) ([]byte, error) { return nil, nil })
		stream := open(t, opener, 1, "")
		full, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		written := 0
		var err error
		for ; err == nil; written++ {
			err = stream.Write(full, content(10_000, written))
		}
		if !errors.Is(err, sealpipe.ErrQueueFull) || !errors.Is(err, context.DeadlineExceeded) || written < 7 || written > 9 {
			t.Fatalf("after %d items: %v", written, err)
		}
		_, err = opener.Request(soon(t), 3, nil)
		must(t, err)
		other := open(t, opener, 2, "")
		must(t, other.WriteText(soon(t), "other"))
		_, err = other.Read(soon(t))
		must(t, err)
		// What is read makes room, and nothing was lost by the write that gave up.
		waiting := make(chan error, 1)
		go func() { waiting <- stream.Write(soon(t), content(10_000, written-1)) }()
		at := <-came
		for number := range written {
			item, err := at.Read(soon(t))
			must(t, err)
			if !bytes.Equal(item.Data, content(10_000, number)) {
				t.Fatalf("item %d is another", number)
			}
		}
		must(t, <-waiting)
	})
}

func TestAReaderThatLeavesStopsTheWriter(t *testing.T) {
	eachOpener(t, nil, func(t *testing.T, opener, handler *sealpipe.Conn) {
		stopped := make(chan error, 1)
		handler.HandleStream(1, func(ctx context.Context, stream *sealpipe.Stream) error {
			for {
				if err := stream.Write(ctx, make([]byte, 1_000)); err != nil {
					stopped <- err
					_, err := stream.Read(ctx)
					stopped <- err
					return stream.CloseWrite()
				}
			}
		})
		stream := open(t, opener, 1, "")
		for _, err := range stream.Items(soon(t)) {
			must(t, err)
			break
		}
		if err := <-stopped; !errors.Is(err, sealpipe.ErrStreamStopped) {
			t.Error(err)
		}
		must(t, stream.CloseWrite())
		must(t, stream.CloseWrite())
		if err := <-stopped; err != io.EOF {
			t.Error(err)
		}
		// The handler has returned ErrStreamStopped, which is an end in order.
		if _, err := stream.Read(soon(t)); err != io.EOF {
			t.Error(err)
		}
	})
}

func TestAResetEndsBothDirectionsWithItsReason(t *testing.T) {
	eachOpener(t, nil, func(t *testing.T, opener, handler *sealpipe.Conn) {
		came := handled(t, handler, 1)
		for _, opens := range []bool{true, false} {
			stream := open(t, opener, 1, "")
			must(t, stream.WriteText(soon(t), "unread"))
			at := <-came
			must(t, at.WriteText(soon(t), "unread"))
			must(t, opener.Flush(soon(t)))
			must(t, handler.Flush(soon(t)))
			resetter, other := stream, at
			if !opens {
				resetter, other = at, stream
			}
			blocked := make(chan error, 1)
			go func() {
				_, err := other.Read(soon(t))
				for err == nil {
					_, err = other.Read(soon(t))
				}
				blocked <- err
			}()
			resetter.Reset("ENOUGH", "of it")
			resetter.Reset("LATE", "does nothing")
			var failure *sealpipe.Error
			if err := <-blocked; !errors.As(err, &failure) || failure.Code != "ENOUGH" || failure.Message != "of it" || !failure.Remote {
				t.Errorf("the peer reads %v", err)
			}
			if err := other.Write(soon(t), nil); !errors.As(err, &failure) || failure.Code != "ENOUGH" {
				t.Errorf("the peer writes %v", err)
			}
			_, reading := resetter.Read(soon(t))
			for _, err := range []error{reading, resetter.Write(soon(t), nil), resetter.CloseWrite()} {
				if !errors.Is(err, sealpipe.ErrClosed) {
					t.Errorf("here it is %v", err)
				}
			}
		}
		stream := open(t, opener, 1, "")
		stream.Reset("not a code", "x")
		if _, err := (<-came).Read(soon(t)); !errors.Is(err, sealpipe.ErrStreamReset) {
			t.Error(err)
		}
	})
}

func TestAResetAfterAnEndIsNoEndInOrder(t *testing.T) {
	server, client := pair(t, nil, nil)
	came := handled(t, server, 1)
	stream := open(t, client, 1, "")
	must(t, stream.WriteText(soon(t), "dropped"))
	must(t, stream.CloseWrite())
	at := <-came
	must(t, client.Flush(soon(t)))
	stream.Reset("GONE", "")
	must(t, client.Flush(soon(t)))
	if _, err := at.Read(soon(t)); err == nil || err == io.EOF {
		t.Errorf("what was dropped looks whole: %v", err)
	}
}

func TestTheContextOfAnOpenerResetsTheStreamWhenItEnds(t *testing.T) {
	eachOpener(t, nil, func(t *testing.T, opener, handler *sealpipe.Conn) {
		cause := make(chan error, 1)
		handler.HandleStream(1, func(ctx context.Context, _ *sealpipe.Stream) error {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return nil
		})
		ctx, cancel := context.WithCancelCause(context.Background())
		stream, err := opener.OpenStream(ctx, 1, nil)
		must(t, err)
		cancel(errors.New("enough"))
		if err := <-cause; !errors.Is(err, sealpipe.ErrStreamReset) {
			t.Errorf("the handler's context ends for %v", err)
		}
		if _, err := stream.Read(soon(t)); err == nil || err.Error() != "enough" {
			t.Errorf("here it is %v", err)
		}
		if _, err := opener.OpenStream(ctx, 1, nil); err == nil || err.Error() != "enough" {
			t.Errorf("a context that has ended: %v", err)
		}
	})
}

func TestAHandlersErrorResetsTheStream(t *testing.T) {
	eachOpener(t, nil, func(t *testing.T, opener, handler *sealpipe.Conn) {
		for streamType, fails := range map[uint32]sealpipe.StreamHandler{
			1: func(context.Context, *sealpipe.Stream) error {
				return fmt.Errorf("wrapped: %w", sealpipe.Fail("NO", "way"))
			},
			2: func(context.Context, *sealpipe.Stream) error { return errors.New("oops") },
			3: func(context.Context, *sealpipe.Stream) error { panic("oops") },
		} {
			handler.HandleStream(streamType, fails)
		}
		for streamType, code := range map[uint32]sealpipe.Code{1: "NO", 2: sealpipe.ErrHandlerFailed, 3: sealpipe.ErrHandlerFailed, 4: sealpipe.ErrNoHandler} {
			_, err := open(t, opener, streamType, "").Read(soon(t))
			var failure *sealpipe.Error
			if !errors.As(err, &failure) || failure.Code != code || !failure.Remote {
				t.Errorf("type %d: %v", streamType, err)
			}
		}
	})
}

// watched is a context that tells when somebody waits for its end.
type watched struct {
	context.Context
	waits chan struct{}
}

func (w watched) Done() <-chan struct{} {
	select {
	case w.waits <- struct{}{}:
	default:
	}
	return w.Context.Done()
}

func TestAnOpenerWaitsWhileThePeerTakesNoMore(t *testing.T) {
	eachOpener(t, &sealpipe.Options{MaxConcurrentStreams: 2}, func(t *testing.T, opener, handler *sealpipe.Conn) {
		came := handled(t, handler, 1)
		first, second := open(t, opener, 1, ""), open(t, opener, 1, "")
		brief, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if _, err := opener.OpenStream(brief, 1, nil); !errors.Is(err, sealpipe.ErrTooManyStreams) {
			t.Error(err)
		}
		opened := make(chan error, 1)
		go func() {
			_, err := opener.OpenStream(context.Background(), 1, nil)
			opened <- err
		}()
		must(t, first.Close())
		must(t, (<-came).Close())
		must(t, <-opened)
		// A reset by the opener makes room at once.
		waiting := watched{context.Background(), make(chan struct{}, 1)}
		go func() {
			_, err := opener.OpenStream(waiting, 1, nil)
			opened <- err
		}()
		<-waiting.waits
		second.Reset("ENOUGH", "")
		must(t, <-opened)
	})
}

func TestAPeerThatResetsItsStreamsStartsNoMoreHandlersThanMayRun(t *testing.T) {
	server, client := pair(t, &sealpipe.Options{MaxConcurrentStreams: 2}, nil)
	over, running := make(chan struct{}), make(chan string, 100)
	server.HandleStream(1, func(_ context.Context, stream *sealpipe.Stream) error {
		running <- string(stream.Data)
		<-over
		return nil
	})
	for range 2 {
		stream := open(t, client, 1, "first")
		<-running
		stream.Reset("X", "")
	}
	for range 10 {
		open(t, client, 1, "never").Reset("X", "")
	}
	last := open(t, client, 1, "last")
	must(t, client.Flush(soon(t)))
	if len(running) > 0 {
		t.Error("a third handler runs")
	}
	close(over)
	if data := <-running; data != "last" {
		t.Errorf("%q is handled", data)
	}
	if _, err := last.Read(soon(t)); err != io.EOF {
		t.Error(err)
	}
}

func TestAnEndKeepsWhatHadArrived(t *testing.T) {
	eachOpener(t, nil, func(t *testing.T, opener, handler *sealpipe.Conn) {
		came := make(chan *sealpipe.Stream, 2)
		handler.HandleStream(1, func(ctx context.Context, stream *sealpipe.Stream) error {
			came <- stream
			<-ctx.Done()
			return ctx.Err()
		})
		whole := open(t, opener, 1, "")
		must(t, whole.WriteText(soon(t), "arrived"))
		must(t, whole.CloseWrite())
		atWhole := <-came
		cut := open(t, opener, 1, "")
		must(t, cut.WriteText(soon(t), "arrived"))
		atCut := <-came
		writing := make(chan error, 1)
		go func() {
			err := error(nil)
			for err == nil {
				err = atCut.Write(context.Background(), make([]byte, 10_000))
			}
			writing <- err
		}()
		must(t, opener.Close())
		if err := <-writing; !errors.Is(err, sealpipe.ErrClosed) && !errors.Is(err, sealpipe.ErrSessionLost) {
			t.Errorf("a writer that waits gets %v", err)
		}
		for stream, end := range map[*sealpipe.Stream]func(error) bool{
			atWhole: func(err error) bool { return err == io.EOF },
			atCut: func(err error) bool {
				return errors.Is(err, sealpipe.ErrClosed) || errors.Is(err, sealpipe.ErrSessionLost)
			},
		} {
			item, err := stream.Read(soon(t))
			must(t, err)
			if _, err = stream.Read(soon(t)); item.Text() != "arrived" || !end(err) {
				t.Errorf("%q, and then %v", item.Text(), err)
			}
		}
		if _, err := cut.Read(soon(t)); !errors.Is(err, sealpipe.ErrClosed) {
			t.Errorf("here it is %v", err)
		}
		if _, err := opener.OpenStream(soon(t), 1, nil); !errors.Is(err, sealpipe.ErrClosed) {
			t.Errorf("after the close: %v", err)
		}
	})
}

func TestStreamsEndWithTheirSession(t *testing.T) {
	listener, name := listen(t, nil)
	listener.HandleStream(1, func(ctx context.Context, _ *sealpipe.Stream) error { <-ctx.Done(); return nil })
	client := dial(t, name, &sealpipe.Options{RetryDelay: time.Millisecond})
	server, err := listener.Accept(soon(t))
	must(t, err)
	stream := open(t, client, 1, "")
	must(t, client.Flush(soon(t)))
	server.Destroy(nil)
	if _, err := stream.Read(soon(t)); !errors.Is(err, sealpipe.ErrSessionLost) {
		t.Error(err)
	}
	// The next session has the same ids.
	again := open(t, client, 1, "")
	if err := stream.CloseWrite(); !errors.Is(err, sealpipe.ErrSessionLost) {
		t.Error(err)
	}
	stream.Stop()
	stream.Reset("LATE", "")
	must(t, again.WriteText(soon(t), "goes on"))
}

func TestAStreamOfAClientThatReconnectsWaitsForTheServer(t *testing.T) {
	t.Run("alone", func(t *testing.T) { waitForServer(t, false) })
	t.Run("with a message", func(t *testing.T) { waitForServer(t, true) })
}

func waitForServer(t *testing.T, writes bool) {
	listener, name := listen(t, nil)
	client := dial(t, name, &sealpipe.Options{RetryDelay: time.Millisecond, MaxRetryDelay: 10 * time.Millisecond})
	_, err := listener.Accept(soon(t))
	must(t, err)
	must(t, listener.Close())
	awaitStatus(t, client, sealpipe.Reconnecting)
	if writes {
		must(t, client.WriteText(soon(t), 1, "waits, too"))
	}
	brief, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	if _, err := client.OpenStream(brief, 1, nil); !errors.Is(err, sealpipe.ErrNotConnected) {
		t.Error(err)
	}
	waiting, opened := watched{soon(t), make(chan struct{}, 1)}, make(chan *sealpipe.Stream, 1)
	go func() {
		stream, err := client.OpenStream(waiting, 1, nil)
		if err != nil {
			t.Error(err)
		}
		opened <- stream
	}()
	<-waiting.waits
	again, err := sealpipe.Listen(name, nil)
	must(t, err)
	defer func() { _ = again.Close() }()
	again.HandleStream(1, echoItems)
	stream := <-opened
	if stream == nil {
		return
	}
	must(t, stream.WriteText(soon(t), "there"))
	item, err := stream.Read(soon(t))
	must(t, err)
	if item.Text() != "there" {
		t.Error(item.Text())
	}
	_ = client.Close()
}

func TestPeersWithoutStreamsSaySo(t *testing.T) {
	classic := &sealpipe.Options{Profile: sealpipe.ProfileClassic}
	server, client := pair(t, classic, classic)
	for _, c := range []*sealpipe.Conn{server, client} {
		if _, err := c.OpenStream(soon(t), 1, nil); !errors.Is(err, sealpipe.ErrPeerNotNative) {
			t.Error(err)
		}
	}
	listener, name, _ := plainServer(t, sealpipe.Options{})
	conn := raw(t, name)
	_, err := conn.Write(append([]byte{0, 1}, nativeHello...))
	must(t, err)
	old, err := listener.Accept(soon(t))
	must(t, err)
	if _, err := old.OpenStream(soon(t), 1, nil); !errors.Is(err, sealpipe.ErrPeerWithoutStreams) {
		t.Error(err)
	}
}

func TestAStreamOfBytesIsAReaderAndAWriter(t *testing.T) {
	eachOpener(t, &sealpipe.Options{MaxMessageBytes: 20_000}, func(t *testing.T, opener, handler *sealpipe.Conn) {
		handler.HandleStream(1, func(ctx context.Context, stream *sealpipe.Stream) error {
			both := stream.Bytes(ctx)
			_, err := io.Copy(both, both)
			return err
		})
		stream := open(t, opener, 1, "")
		data := content(5_000_000, 1)
		go func() {
			if count, err := io.Copy(stream.Bytes(soon(t)), bytes.NewReader(data)); err != nil || count != int64(len(data)) {
				t.Errorf("%d bytes were copied: %v", count, err)
			}
			_ = stream.CloseWrite()
		}()
		back, err := io.ReadAll(stream.Bytes(soon(t)))
		must(t, err)
		if !bytes.Equal(back, data) {
			t.Errorf("%d other bytes came back", len(back))
		}
		must(t, stream.Bytes(soon(t)).Close())
	})
}

func TestStreamsOfAConnectionThatIsCutAgainAndAgainLoseNothing(t *testing.T) {
	plain := sealpipe.Options{DisableEncryption: true}
	listener, direct := listen(t, &plain)
	listener.HandleStream(1, echoItems)
	relay, through := newRelay(t, direct)
	client := dial(t, through, &sealpipe.Options{DisableEncryption: true, RetryDelay: time.Millisecond, MaxRetryDelay: 20 * time.Millisecond})
	client.HandleStream(1, echoItems)
	server, err := listener.Accept(soon(t))
	must(t, err)
	var talking sync.WaitGroup
	for _, c := range []*sealpipe.Conn{client, server, client, server} {
		talking.Add(1)
		go func() {
			defer talking.Done()
			for range 3 {
				echoNumbers(t, c, 40)
			}
		}()
	}
	over := make(chan struct{})
	go func() { talking.Wait(); close(over) }()
	relay.cutUntil(over)
	if conns := listener.Conns(); len(conns) != 1 {
		t.Errorf("%d connections", len(conns))
	}
}

func echoNumbers(t *testing.T, c *sealpipe.Conn, count int) {
	sizes := []int{8, 100, 3_000, 20_000, 150_000}
	stream, err := c.OpenStream(context.Background(), 1, nil)
	if err != nil {
		t.Error(err)
		return
	}
	written := make(chan struct{})
	defer func() { <-written }()
	go func() {
		defer close(written)
		for number := range count {
			if err := stream.Write(soon(t), numbered(number, sizes[number%len(sizes)])); err != nil {
				t.Error(err)
			}
		}
		_ = stream.CloseWrite()
	}()
	next := 0
	for item, err := range stream.Items(soon(t)) {
		if err != nil || !bytes.Equal(item.Data, numbered(next, sizes[next%len(sizes)])) {
			t.Errorf("item %d: %d bytes, %v", next, len(item.Data), err)
			return
		}
		next++
	}
	if next != count {
		t.Errorf("%d of %d items came back", next, count)
	}
}
