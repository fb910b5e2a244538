package sealpipe_test

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"time"

	"sealpipe"
)

// rounds is enough for a reader that is back at once to read the transport itself.
const rounds = 200

// number is a message's data.
func number(value int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(value)) }

// playing has the second connection answer each message of the first, which exchanges so many with it. The context of the
// answering end's reads cannot end, so that none has to be watched.
func playing(t *testing.T, one, other *sealpipe.Conn, count int) {
	t.Helper()
	answered := make(chan error, 1)
	go func() {
		for range count {
			message, err := other.Read(context.Background())
			if err == nil {
				err = other.Write(context.Background(), 2, message.Data)
			}
			if err != nil {
				answered <- err
				return
			}
		}
		answered <- nil
	}()
	for value := range count {
		must(t, one.Write(soon(t), 1, number(value)))
		if got := binary.BigEndian.Uint32(read(t, one).Data); int(got) != value {
			t.Fatalf("%d was answered by %d", value, got)
		}
	}
	must(t, <-answered)
}

func TestAPeerIsHeardWhileTheReaderThatReadTheTransportStaysAway(t *testing.T) {
	server, client := pair(t, nil, nil)
	for name, conn := range map[string]*sealpipe.Conn{"server": server, "client": client} {
		conn.Handle(1, func(_ context.Context, r *sealpipe.Request) ([]byte, error) { return []byte(name), nil })
	}
	for range 3 {
		playing(t, client, server, rounds)
		// Both read their transports themselves now, or their last reader did.
		answer, err := client.Request(soon(t), 1, nil)
		must(t, err)
		if string(answer) != "server" {
			t.Errorf("it was answered by %q", answer)
		}
		playing(t, client, server, rounds)
		answer, err = server.Request(soon(t), 1, nil)
		must(t, err)
		if string(answer) != "client" {
			t.Errorf("it was answered by %q", answer)
		}
		playing(t, server, client, rounds)
		must(t, client.WriteText(soon(t), 1, "flushed"))
		done := make(chan error, 1)
		go func() { done <- client.Flush(soon(t)) }()
		read(t, server)
		must(t, <-done)
	}
}

// A large message of a classic peer's is more than may wait to be read: nothing more is read then, until the application reads it.
func TestAReaderThatIsBackAtOnceDoesNotPauseItself(t *testing.T) {
	options := sealpipe.Options{Profile: sealpipe.ProfileClassic, MaxQueuedBytes: 100_000}
	server, client := pair(t, &options, &options)
	ctx := soon(t)
	go func() {
		for {
			message, err := server.Read(ctx)
			if err != nil || server.Write(ctx, 1, message.Data) != nil {
				return
			}
		}
	}()
	for value := range 20 * rounds {
		data := make([]byte, 64)
		if value%rounds == rounds-1 {
			data = make([]byte, 1_000_000)
		}
		must(t, client.Write(ctx, 1, data))
		message, err := client.Read(ctx)
		must(t, err)
		if len(message.Data) != len(data) {
			t.Fatalf("%d bytes were answered by %d", len(data), len(message.Data))
		}
	}
}

func TestAReadThatReadsTheTransportEndsWithItsContextAndLosesNothing(t *testing.T) {
	server, client := pair(t, nil, nil)
	for value := range 30 {
		playing(t, client, server, rounds)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() {
			_, err := server.Read(ctx)
			ended <- err
		}()
		time.AfterFunc(time.Duration(value%3)*time.Millisecond, cancel)
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		must(t, client.Write(soon(t), 1, number(value)))
		if got := binary.BigEndian.Uint32(read(t, server).Data); int(got) != value {
			t.Fatalf("%d arrived, not %d", got, value)
		}
	}
	late, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := server.Read(late); !errors.Is(err, sealpipe.ErrReadTimeout) {
		t.Error(err)
	}
}

func TestAReadThatReadsTheTransportEndsWithItsConnection(t *testing.T) {
	for name, ends := range map[string]func(server, client *sealpipe.Conn){
		"closed here":        func(server, _ *sealpipe.Conn) { _ = server.Close() },
		"closed by the peer": func(_, client *sealpipe.Conn) { _ = client.Close() },
		"destroyed here":     func(server, _ *sealpipe.Conn) { server.Destroy(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			server, client := pair(t, nil, nil)
			playing(t, client, server, rounds)
			ended := make(chan error, 1)
			go func() {
				_, err := server.Read(context.Background())
				ended <- err
			}()
			ends(server, client)
			if err := <-ended; !errors.Is(err, sealpipe.ErrClosed) {
				t.Error(err)
			}
			<-server.Done()
		})
	}
}

func TestTwoReadersBothGetMessagesAfterOneHasReadTheTransport(t *testing.T) {
	server, client := pair(t, nil, nil)
	for range 20 {
		playing(t, client, server, rounds)
		var both sync.WaitGroup
		for range 2 {
			both.Add(1)
			go func() {
				defer both.Done()
				if _, err := server.Read(context.Background()); err != nil {
					t.Error(err)
				}
			}()
		}
		must(t, client.WriteText(soon(t), 1, "one"))
		must(t, client.WriteText(soon(t), 1, "two"))
		both.Wait()
	}
}

func TestAReaderThatReadsTheTransportGoesOnAfterCuts(t *testing.T) {
	listener, name := listen(t, nil)
	r, throughRelay := newRelay(t, name)
	client := dial(t, throughRelay, &sealpipe.Options{RetryDelay: time.Millisecond, MaxRetryDelay: 10 * time.Millisecond})
	server, err := listener.Accept(soon(t))
	must(t, err)
	for range 10 {
		playing(t, client, server, rounds)
		cut := time.AfterFunc(time.Millisecond, r.cut)
		playing(t, client, server, 10*rounds)
		cut.Stop()
	}
	if resumes := client.Stats().Resumes; resumes == 0 {
		t.Error("no connection was cut")
	}
}

func TestAnswersThatTheSystemDoesNotTakeLeaveInOrderLater(t *testing.T) {
	listener, name := listen(t, nil)
	r, throughRelay := newRelay(t, name)
	client := dial(t, throughRelay, nil)
	server, err := listener.Accept(soon(t))
	must(t, err)
	playing(t, server, client, rounds)
	r.held.Lock()
	// More than a socket's buffers take, one at a time.
	const answers = 3_000
	for value := range answers {
		must(t, server.Write(soon(t), 1, number(value)))
		must(t, client.Write(soon(t), 2, read(t, client).Data))
	}
	r.held.Unlock()
	for value := range answers {
		if got := binary.BigEndian.Uint32(read(t, server).Data); int(got) != value {
			t.Fatalf("answer %d came as the %dth", got, value)
		}
	}
	if reconnects := client.Stats().Reconnects; reconnects != 0 {
		t.Errorf("the connection was lost %d times", reconnects)
	}
}
