package sealpipe_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"sealpipe"
)

func TestStatsCountWhatHappens(t *testing.T) {
	listener, name := listen(t, nil)
	started := make(chan struct{}, 9)
	listener.Handle(1, func(_ context.Context, r *sealpipe.Request) ([]byte, error) { return r.Data, nil })
	listener.Handle(2, func(ctx context.Context, _ *sealpipe.Request) ([]byte, error) {
		started <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	})
	client := dial(t, name, nil)
	server, err := listener.Accept(soon(t))
	must(t, err)
	for range 3 {
		must(t, client.WriteText(soon(t), 1, "12345"))
	}
	_, err = client.Request(soon(t), 1, nil)
	must(t, err)
	if _, err := client.Request(soon(t), 9, nil); !errors.Is(err, sealpipe.ErrNoHandler) {
		t.Error(err)
	}
	late, cancelLate := context.WithTimeout(soon(t), 10*time.Millisecond)
	defer cancelLate()
	if _, err := client.Request(late, 2, nil); !errors.Is(err, sealpipe.ErrRequestTimeout) {
		t.Error(err)
	}
	<-started
	aborted, abort := context.WithCancel(soon(t))
	go func() {
		<-started
		abort()
	}()
	if _, err := client.Request(aborted, 2, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	lost := make(chan error, 1)
	go func() {
		_, err := client.Request(soon(t), 2, nil)
		lost <- err
	}()
	<-started
	if stats := client.Stats(); stats.Asked.Pending != 1 || stats.Asked.LastAnswer <= 0 {
		t.Errorf("%+v", stats.Asked)
	}
	read(t, server)
	if unread := server.Stats().UnreadBytes; unread != 2*(5+256) {
		t.Errorf("%d bytes are unread", unread)
	}
	must(t, server.Close())
	<-lost
	asked, counted := client.Stats(), listener.Stats()
	if asked.Sent != (sealpipe.MessageCount{Messages: 3, Bytes: 15}) || counted.Received != asked.Sent {
		t.Errorf("%+v sent and %+v received", asked.Sent, counted.Received)
	}
	asked.Asked.LastAnswer = 0
	if asked.Asked != (sealpipe.AskedRequests{Answered: 1, Failed: 1, TimedOut: 1, Aborted: 1, Lost: 1}) {
		t.Errorf("%+v", asked.Asked)
	}
	if counted.Handled.Answered != 1 || counted.Handled.Failed != 1 || counted.Handled.Cancelled != 2 || counted.Handled.Lost != 1 {
		t.Errorf("%+v", counted.Handled)
	}
	if counted.TotalConnections != 1 || counted.UnreadBytes != 0 {
		t.Errorf("%+v", counted)
	}
}

func TestStatsCountRefusedAndLost(t *testing.T) {
	listener, name := listen(t, &sealpipe.Options{Secret: []byte("right"), ResumeWindow: sealpipe.Never})
	if _, err := sealpipe.Dial(soon(t), name, &sealpipe.Options{Secret: []byte("wrong")}); !errors.Is(err, sealpipe.ErrAuthenticationFailed) {
		t.Error(err)
	}
	client := dial(t, name, &sealpipe.Options{Secret: []byte("right"), RetryDelay: time.Millisecond})
	server, err := listener.Accept(soon(t))
	must(t, err)
	must(t, client.WriteText(soon(t), 1, "never acknowledged"))
	awaitStats(t, func() bool { return listener.Stats().Received.Messages == 1 })
	server.Destroy(errors.New("gone"))
	_, err = listener.Accept(soon(t))
	must(t, err)
	awaitStats(t, func() bool { return client.Stats().Reconnects == 1 })
	if stats := client.Stats(); stats.LostMessages != 1 || stats.Resumes != 0 {
		t.Errorf("%+v", stats)
	}
	if stats := listener.Stats(); stats.RefusedConnections != 1 || stats.TotalConnections != 2 || stats.Connections != 1 {
		t.Errorf("%+v", stats)
	}
}

func TestTheRoundTripOfAPingIsMeasured(t *testing.T) {
	_, client := pair(t, nil, &sealpipe.Options{KeepaliveInterval: 5 * time.Millisecond})
	if trip := client.Stats().RoundTrip; trip != 0 {
		t.Errorf("%v before the first", trip)
	}
	must(t, client.WriteText(soon(t), 1, "hello"))
	awaitStats(t, func() bool { return client.Stats().RoundTrip > 0 })
}

func awaitStats(t *testing.T, hold func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !hold(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the numbers do not come")
		}
	}
}

func ExampleConn_Stats() {
	name := freshName()
	listener, err := sealpipe.Listen(name, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer listener.Close()
	client, err := sealpipe.Dial(context.Background(), name, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	_ = client.WriteText(context.Background(), 1, "hello")
	fmt.Println(client.Stats().Sent)
	// Output: {1 5}
}
