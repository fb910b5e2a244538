package sealpipe_test

import (
	"context"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"sealpipe"
)

// asks are the two operations, and how a listener allows and forbids each.
var asks = map[string]struct {
	allow, forbid func(*sealpipe.Listener)
	ask           func(context.Context, *sealpipe.Conn) error
}{
	"describe": {
		func(l *sealpipe.Listener) { l.AllowDescribe(true) },
		func(l *sealpipe.Listener) { l.AllowDescribe(false) },
		func(ctx context.Context, c *sealpipe.Conn) error { _, err := c.Describe(ctx); return err },
	},
	"shutdown": {
		func(l *sealpipe.Listener) { l.AllowShutdown(func(*sealpipe.ShutdownRequest) error { return nil }) },
		func(l *sealpipe.Listener) { l.AllowShutdown(nil) },
		func(ctx context.Context, c *sealpipe.Conn) error { return c.ShutdownServer(ctx, "enough") },
	},
}

func TestARequestToTheLibraryIsRefusedUnlessTheApplicationAllowsIt(t *testing.T) {
	for name, operation := range asks {
		t.Run(name, func(t *testing.T) {
			listener, address := listen(t, nil)
			client := dial(t, address, nil)
			server, err := listener.Accept(soon(t))
			must(t, err)
			// The application's own types 1 and 2 are others.
			for _, itsType := range []uint32{1, 2} {
				server.Handle(itsType, func(context.Context, *sealpipe.Request) ([]byte, error) { return []byte("own"), nil })
			}
			refused := func() {
				t.Helper()
				var failure *sealpipe.Error
				if err := operation.ask(soon(t), client); !errors.As(err, &failure) || !failure.Remote || failure.Code != sealpipe.ErrNotAllowed {
					t.Errorf("it is %v", err)
				}
			}
			refused()
			operation.allow(listener)
			must(t, operation.ask(soon(t), client))
			operation.forbid(listener)
			refused()
			answer, err := client.Request(soon(t), 1, nil)
			must(t, err)
			if string(answer) != "own" {
				t.Errorf("%q", answer)
			}
			stats := server.Stats().Handled
			if stats.Failed != 2 || stats.Answered != 2 {
				t.Errorf("%+v", stats)
			}
		})
	}
}

func TestOnlyAClientOfANativeServerAsksItsLibrary(t *testing.T) {
	for name, operation := range asks {
		t.Run(name, func(t *testing.T) {
			classic := &sealpipe.Options{Profile: sealpipe.ProfileClassic}
			server, client := pair(t, classic, classic)
			if err := operation.ask(soon(t), client); !errors.Is(err, sealpipe.ErrPeerNotNative) {
				t.Error(err)
			}
			if err := operation.ask(soon(t), server); !errors.Is(err, sealpipe.ErrInvalidArgument) {
				t.Error(err)
			}
			must(t, server.Close())
			awaitStatus(t, client, sealpipe.Reconnecting)
			late, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			// It may be back already.
			if err := operation.ask(late, client); !errors.Is(err, sealpipe.ErrNotConnected) && !errors.Is(err, sealpipe.ErrPeerNotNative) {
				t.Error(err)
			}
			must(t, client.Close())
			if err := operation.ask(soon(t), client); !errors.Is(err, sealpipe.ErrClosed) {
				t.Error(err)
			}
		})
	}
}

func TestARequestToTheLibraryWaitsForATurnAndNoLongerThanItsContext(t *testing.T) {
	for name, operation := range asks {
		t.Run(name, func(t *testing.T) {
			listener, address := listen(t, &sealpipe.Options{MaxConcurrentRequests: 1})
			operation.allow(listener)
			busy, goOn := make(chan struct{}), make(chan struct{})
			listener.Handle(1, func(context.Context, *sealpipe.Request) ([]byte, error) {
				close(busy)
				<-goOn
				return nil, nil
			})
			client := dial(t, address, nil)
			answered := make(chan error, 1)
			go func() {
				_, err := client.Request(soon(t), 1, nil)
				answered <- err
			}()
			<-busy
			late, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
			defer cancel()
			if err := operation.ask(late, client); !errors.Is(err, sealpipe.ErrRequestTimeout) {
				t.Error(err)
			}
			close(goOn)
			must(t, <-answered)
			must(t, operation.ask(soon(t), client))
		})
	}
}

func TestADescriptionSaysWhatTheServerIs(t *testing.T) {
	listener, name := listen(t, &sealpipe.Options{Application: "my-daemon", ApplicationVersion: "2.1.0"})
	listener.AllowDescribe(true)
	for _, itsType := range []uint32{4_294_967_295, 7} {
		listener.Handle(itsType, func(context.Context, *sealpipe.Request) ([]byte, error) { return nil, nil })
	}
	listener.HandleStream(9, func(context.Context, *sealpipe.Stream) error { return nil })
	client := dial(t, name, nil)
	dial(t, name, nil)
	for range 2 {
		_, err := listener.Accept(soon(t))
		must(t, err)
	}
	got, err := client.Describe(soon(t))
	must(t, err)
	uptime := got.Uptime
	got.Uptime = 0
	want := &sealpipe.Description{
		PeerInfo: client.Peer(), Contracts: []sealpipe.Contract{}, Requests: []uint32{7, 4_294_967_295}, Streams: []uint32{9}, Connections: 2,
	}
	if !reflect.DeepEqual(got, want) || got.PID != uint32(os.Getpid()) || uptime < 0 || uptime > patience {
		t.Errorf("%+v, up for %v", got, uptime)
	}
}

func TestAShutdownCarriesItsReasonAndBeginsOnce(t *testing.T) {
	failures := make(chan error, 1)
	listener, name := listen(t, &sealpipe.Options{OnError: func(_ *sealpipe.Conn, err error) { failures <- err }})
	begun, goOn := make(chan *sealpipe.ShutdownRequest, 9), make(chan struct{})
	listener.AllowShutdown(func(r *sealpipe.ShutdownRequest) error {
		begun <- r
		<-goOn
		return errors.New("not now")
	})
	client := dial(t, name, nil)
	server, err := listener.Accept(soon(t))
	must(t, err)
	must(t, client.ShutdownServer(soon(t), "an update: é"))
	must(t, client.ShutdownServer(soon(t), "again"))
	if r := <-begun; r.Reason != "an update: é" || r.Conn != server {
		t.Errorf("%+v", r)
	}
	if len(begun) > 0 {
		t.Error("a second has begun")
	}
	close(goOn)
	if err := <-failures; err.Error() != "not now" {
		t.Error(err)
	}
	// One that closed nothing may be asked again.
	for len(begun) == 0 {
		must(t, client.ShutdownServer(soon(t), ""))
	}
}

func TestAReasonIsShortText(t *testing.T) {
	listener, name := listen(t, nil)
	reasons := make(chan string, 1)
	listener.AllowShutdown(func(r *sealpipe.ShutdownRequest) error { reasons <- r.Reason; return nil })
	client := dial(t, name, nil)
	for _, reason := range []string{strings.Repeat("x", 1_025), "\xff"} {
		if err := client.ShutdownServer(soon(t), reason); !errors.Is(err, sealpipe.ErrInvalidArgument) {
			t.Error(err)
		}
	}
	longest := strings.Repeat("x", 1_024)
	must(t, client.ShutdownServer(soon(t), longest))
	if <-reasons != longest {
		t.Error("another reason")
	}
}

func TestTextThatIsNotUTF8IsNotWritten(t *testing.T) {
	server, client := pair(t, nil, nil)
	server.HandleStream(1, func(ctx context.Context, s *sealpipe.Stream) error {
		item, err := s.Read(ctx)
		if err == nil {
			err = s.WriteText(ctx, item.Text())
		}
		return err
	})
	stream, err := client.OpenStream(soon(t), 1, nil)
	must(t, err)
	// A byte that begins no character, half a surrogate pair, a character that is cut short.
	for _, text := range []string{"\xff", "\xed\xa0\x80", "caf\xc3"} {
		for _, err := range []error{client.WriteText(soon(t), 1, text), stream.WriteText(soon(t), text)} {
			if !errors.Is(err, sealpipe.ErrInvalidArgument) {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
	must(t, client.WriteText(soon(t), 1, "café"))
	must(t, stream.WriteText(soon(t), "café"))
	item, err := stream.Read(soon(t))
	must(t, err)
	if item.Text() != "café" || read(t, server).Text() != "café" {
		t.Error("another text arrived, or one before it")
	}
}

func TestAContextThatHasEndedOpensNoStreamAndSaysSo(t *testing.T) {
	server, client := pair(t, nil, nil)
	server.HandleStream(1, func(context.Context, *sealpipe.Stream) error { return nil })
	passed, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	cancelled, stop := context.WithCancelCause(context.Background())
	enough := errors.New("enough")
	stop(enough)
	for _, c := range []struct {
		ctx  context.Context
		want error
	}{{passed, context.DeadlineExceeded}, {cancelled, enough}} {
		if _, err := client.OpenStream(c.ctx, 1, nil); err != c.want {
			t.Errorf("it is %v", err)
		}
	}
}

func TestALostSessionHasItsOpenStreams(t *testing.T) {
	lost := make(chan sealpipe.LostSession, 1)
	listener, name := listen(t, nil)
	listener.HandleStream(3, func(ctx context.Context, s *sealpipe.Stream) error { _, err := s.Read(ctx); return err })
	relay, through := newRelay(t, name)
	client := dial(t, through, &sealpipe.Options{
		RetryDelay: time.Millisecond, OnSessionLost: func(_ *sealpipe.Conn, what sealpipe.LostSession) { lost <- what },
	})
	lose := func() sealpipe.LostSession {
		server, err := listener.Accept(soon(t))
		must(t, err)
		relay.refuse(true)
		relay.cut()
		awaitStatus(t, client, sealpipe.Reconnecting)
		server.Destroy(nil)
		relay.refuse(false)
		return <-lost
	}
	if what := lose(); len(what.Messages) > 0 || len(what.Streams) > 0 {
		t.Errorf("%+v", what)
	}
	awaitStatus(t, client, sealpipe.Connected)
	var opened []*sealpipe.Stream
	for range 3 {
		stream, err := client.OpenStream(soon(t), 3, []byte("mine"))
		must(t, err)
		opened = append(opened, stream)
	}
	if what := lose(); !reflect.DeepEqual(what.Streams, opened) {
		t.Errorf("%d streams", len(what.Streams))
	}
}
