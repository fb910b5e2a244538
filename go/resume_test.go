package sealpipe_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sealpipe"
)

// relay stands between clients and a server, and cuts.
type relay struct {
	listener net.Listener
	address  string
	mu       sync.Mutex
	links    map[net.Conn]bool
	refuses  bool
	// held: what clients send waits here while it is locked.
	held sync.RWMutex
	// passed counts bytes, both ways.
	passed  atomic.Int64
	running sync.WaitGroup
}

func newRelay(t testing.TB, to string) (*relay, string) {
	t.Helper()
	name := freshName()
	listener, err := net.Listen("unix", "/tmp/"+name+".sock")
	must(t, err)
	r := &relay{listener: listener, address: "/tmp/" + to + ".sock", links: map[net.Conn]bool{}}
	r.running.Add(1)
	go r.accept()
	t.Cleanup(func() {
		_ = listener.Close()
		r.cut()
		r.running.Wait()
	})
	return r, name
}

func (r *relay) accept() {
	defer r.running.Done()
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		refuses := r.refuses
		r.mu.Unlock()
		if refuses {
			_ = client.Close()
			continue
		}
		server, err := net.Dial("unix", r.address)
		if err != nil {
			_ = client.Close()
			continue
		}
		r.mu.Lock()
		r.links[client], r.links[server] = true, true
		r.mu.Unlock()
		r.running.Add(2)
		go r.copy(client, server, passing{server, r, false})
		go r.copy(server, client, passing{client, r, true})
	}
}

// passing is what an end sends: the relay may hold it, if a client does.
type passing struct {
	io.Reader
	relay  *relay
	isHeld bool
}

func (p passing) Read(buffer []byte) (int, error) {
	count, err := p.Reader.Read(buffer)
	p.relay.passed.Add(int64(count))
	if p.isHeld {
		p.relay.held.RLock()
		defer p.relay.held.RUnlock()
	}
	return count, err
}

func (r *relay) copy(to, from net.Conn, bytes io.Reader) {
	defer r.running.Done()
	_, err := io.Copy(to, bytes)
	if half, ok := to.(*net.UnixConn); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	_, _ = to.Close(), from.Close()
}

// cut drops all connections at once.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for link := range r.links {
		_ = link.Close()
	}
	r.links = map[net.Conn]bool{}
}

// moreThanAHandshake is a number of bytes: on a busy machine a handshake may take longer than the time between two cuts.
const moreThanAHandshake = 16_384

// cutUntil cuts again and again, each time after more than a handshake has passed, and returns how often.
func (r *relay) cutUntil(over <-chan struct{}) (cuts int) {
	passed := r.passed.Load()
	for {
		select {
		case <-over:
			return cuts
		case <-time.After(time.Duration(10+rand.IntN(40)) * time.Millisecond):
			if now := r.passed.Load(); now-passed > moreThanAHandshake {
				r.cut()
				passed = now
				cuts++
			}
		}
	}
}

func (r *relay) refuse(refuses bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuses = refuses
}

func numbered(number, size int) []byte {
	data := content(max(8, size), number)
	binary.BigEndian.PutUint64(data, uint64(number))
	return data
}

// send writes count numbered messages of many sizes.
func send(t *testing.T, from *sealpipe.Conn, count int) {
	sizes := []int{8, 100, 3_000, 20_000, 150_000}
	for number := range count {
		if err := from.Write(soon(t), 1, numbered(number, sizes[number%len(sizes)])); err != nil {
			t.Errorf("message %d: %v", number, err)
			return
		}
	}
}

func receive(t *testing.T, to *sealpipe.Conn, count int) {
	for number := range count {
		message, err := to.Read(soon(t))
		if err != nil {
			t.Errorf("after %d messages: %v", number, err)
			return
		}
		if got := binary.BigEndian.Uint64(message.Data); got != uint64(number) {
			t.Errorf("message %d came as the %dth", got, number)
			return
		}
	}
}

func ask(t *testing.T, from *sealpipe.Conn, count int) {
	var asking sync.WaitGroup
	for number := range count {
		asking.Add(1)
		go func() {
			defer asking.Done()
			question := numbered(number, []int{10, 5_000, 140_000}[number%3])
			answer, err := from.Request(soon(t), 2, question)
			if err != nil || string(answer) != string(question) {
				t.Errorf("request %d: %v", number, err)
			}
		}()
		if number%16 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	asking.Wait()
}

func TestAConnectionThatIsCutAgainAndAgainLosesNothing(t *testing.T) {
	for name, options := range map[string]sealpipe.Options{
		"encrypted": {}, "plain": {DisableEncryption: true}, "secret": {Secret: []byte("open sesame")},
	} {
		t.Run(name, func(t *testing.T) {
			listener, direct := listen(t, &options)
			echo := func(_ context.Context, r *sealpipe.Request) ([]byte, error) { return r.Data, nil }
			listener.Handle(2, echo)
			relay, through := newRelay(t, direct)
			client := options
			client.RetryDelay = time.Millisecond
			client.MaxRetryDelay = 20 * time.Millisecond
			dialled := dial(t, through, &client)
			dialled.Handle(2, echo)
			server, err := listener.Accept(soon(t))
			must(t, err)

			const messages, requests = 300, 60
			var working sync.WaitGroup
			for _, work := range []func(){
				func() { send(t, dialled, messages) }, func() { receive(t, server, messages) },
				func() { send(t, server, messages) }, func() { receive(t, dialled, messages) },
				func() { ask(t, dialled, requests) }, func() { ask(t, server, requests) },
			} {
				working.Add(1)
				go func() { defer working.Done(); work() }()
			}
			over := make(chan struct{})
			go func() { working.Wait(); close(over) }()
			if cuts := relay.cutUntil(over); cuts < 3 {
				t.Logf("only %d cuts", cuts)
			}
			must(t, dialled.Flush(soon(t)))
			must(t, server.Flush(soon(t)))
			if conns := listener.Conns(); len(conns) != 1 {
				t.Errorf("%d connections", len(conns))
			}
		})
	}
}

func TestAServerThatIsRestartedHasForgottenTheSession(t *testing.T) {
	lost := make(chan []sealpipe.Message, 1)
	listener, name := listen(t, nil)
	held := make(chan struct{})
	listener.Handle(1, func(ctx context.Context, _ *sealpipe.Request) ([]byte, error) {
		close(held)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	relay, through := newRelay(t, name)
	client := dial(t, through, &sealpipe.Options{
		RetryDelay: time.Millisecond, MaxRetryDelay: 10 * time.Millisecond,
		OnSessionLost: func(_ *sealpipe.Conn, what sealpipe.LostSession) { lost <- what.Messages },
	})
	server, err := listener.Accept(soon(t))
	must(t, err)
	must(t, client.WriteText(soon(t), 7, "unread"))
	asked := make(chan error, 1)
	go func() {
		_, err := client.Request(soon(t), 1, nil)
		asked <- err
	}()
	<-held
	relay.refuse(true)
	relay.cut()
	awaitStatus(t, client, sealpipe.Reconnecting)
	must(t, client.WriteText(soon(t), 8, "waits"))
	server.Destroy(nil)
	relay.refuse(false)
	if err := <-asked; !errors.Is(err, sealpipe.ErrSessionLost) {
		t.Error(err)
	}
	if messages := <-lost; len(messages) != 1 || messages[0].Text() != "unread" {
		t.Errorf("%v are lost", messages)
	}
	next, err := listener.Accept(soon(t))
	must(t, err)
	if message := read(t, next); message.Type != 8 {
		t.Errorf("%d arrived", message.Type)
	}
}

func TestAClientThatDoesNotComeBackIsGivenUp(t *testing.T) {
	lost, failed := make(chan []sealpipe.Message, 1), make(chan error, 9)
	listener, name := listen(t, &sealpipe.Options{
		ResumeWindow:  20 * time.Millisecond,
		OnSessionLost: func(_ *sealpipe.Conn, what sealpipe.LostSession) { lost <- what.Messages },
		OnError:       func(_ *sealpipe.Conn, err error) { failed <- err },
	})
	client := dial(t, name, nil)
	server, err := listener.Accept(soon(t))
	must(t, err)
	must(t, server.WriteText(soon(t), 1, "unread"))
	server.Handle(1, func(context.Context, *sealpipe.Request) ([]byte, error) { return nil, nil })
	// Its answer comes after the message.
	_, err = client.Request(soon(t), 1, nil)
	must(t, err)
	client.Destroy(nil)
	<-server.Done()
	if !errors.Is(server.Err(), sealpipe.ErrConnectionLost) || server.Status() != sealpipe.Failed {
		t.Errorf("%s: %v", server.Status(), server.Err())
	}
	if messages := <-lost; len(messages) != 1 {
		t.Errorf("%v are lost", messages)
	}
	if len(listener.Conns()) != 0 {
		t.Error("it is still listed")
	}
}

func TestMoreDetachedSessionsThanMayBeAreGivenUpByTheirStanding(t *testing.T) {
	listener, name := listen(t, &sealpipe.Options{MaxDetachedSessions: 1})
	relay, through := newRelay(t, name)
	fast := &sealpipe.Options{RetryDelay: time.Millisecond, MaxRetryDelay: 5 * time.Millisecond}
	old := dial(t, through, fast)
	server, err := listener.Accept(soon(t))
	must(t, err)
	for range 10 {
		must(t, old.Write(soon(t), 1, make([]byte, 1_000)))
		read(t, server)
	}
	must(t, old.Flush(soon(t)))
	relay.refuse(true)
	relay.cut()
	awaitStatus(t, server, sealpipe.Reconnecting)
	for range 5 {
		dial(t, name, nil).Destroy(nil)
		fleeting, err := listener.Accept(soon(t))
		must(t, err)
		<-fleeting.Done()
	}
	relay.refuse(false)
	must(t, old.WriteText(soon(t), 2, "back"))
	if message := read(t, server); message.Type != 2 {
		t.Errorf("%d arrived", message.Type)
	}
}

func TestAClassicClientReconnectsAndSendsWhatWaited(t *testing.T) {
	options := &sealpipe.Options{Profile: sealpipe.ProfileClassic}
	listener, name := listen(t, options)
	relay, through := newRelay(t, name)
	client := dial(t, through, &sealpipe.Options{Profile: sealpipe.ProfileClassic, RetryDelay: time.Millisecond})
	_, err := listener.Accept(soon(t))
	must(t, err)
	relay.refuse(true)
	relay.cut()
	awaitStatus(t, client, sealpipe.Reconnecting)
	for number := range 5 {
		must(t, client.WriteText(soon(t), 1, fmt.Sprint(number)))
	}
	relay.refuse(false)
	server, err := listener.Accept(soon(t))
	must(t, err)
	for number := range 5 {
		if text := read(t, server).Text(); text != fmt.Sprint(number) {
			t.Errorf("%s came as the %dth", text, number)
		}
	}
}

func TestWithoutAnOfflineQueueAWriteFailsAtOnce(t *testing.T) {
	listener, name := listen(t, nil)
	client := dial(t, name, &sealpipe.Options{DisableOfflineQueue: true, RetryDelay: time.Hour, MaxRetryDelay: time.Hour})
	must(t, listener.Close())
	awaitStatus(t, client, sealpipe.Reconnecting)
	if err := client.WriteText(soon(t), 1, "hello"); !errors.Is(err, sealpipe.ErrNotConnected) {
		t.Error(err)
	}
	if _, err := client.Request(soon(t), 1, nil); !errors.Is(err, sealpipe.ErrNotConnected) {
		t.Error(err)
	}
}

func TestStatusesAreToldInOrder(t *testing.T) {
	told := make(chan sealpipe.Status, 20)
	listener, name := listen(t, nil)
	client := dial(t, name, &sealpipe.Options{
		RetryDelay: time.Millisecond, OnStatus: func(_ *sealpipe.Conn, status sealpipe.Status) { told <- status },
	})
	must(t, listener.Close())
	again, err := sealpipe.Listen(name, nil)
	must(t, err)
	_, err = again.Accept(soon(t))
	must(t, err)
	awaitStatus(t, client, sealpipe.Connected)
	must(t, client.Close())
	must(t, again.Close())
	for _, want := range []sealpipe.Status{
		sealpipe.Connecting, sealpipe.Connected, sealpipe.Reconnecting, sealpipe.Connected, sealpipe.Closing, sealpipe.Closed,
	} {
		if got := <-told; got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

func TestRequestsThatWaitForAConnectionAreAskedOnTheNext(t *testing.T) {
	listener, name := listen(t, nil)
	client := dial(t, name, &sealpipe.Options{RetryDelay: time.Millisecond})
	must(t, listener.Close())
	awaitStatus(t, client, sealpipe.Reconnecting)
	given, cancel := context.WithCancel(context.Background())
	var asking, givingUp sync.WaitGroup
	for number := range 20 {
		if number%5 == 0 {
			givingUp.Add(1)
			go func() {
				defer givingUp.Done()
				if _, err := client.Request(given, 3, nil); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}()
			continue
		}
		asking.Add(1)
		go func() {
			defer asking.Done()
			question := fmt.Sprint(number)
			answer, err := client.Request(soon(t), 2, []byte(question))
			if err != nil || string(answer) != question {
				t.Errorf("request %d: %q, %v", number, answer, err)
			}
		}()
	}
	for client.QueuedBytes() < 20*(8+4+64) {
		time.Sleep(time.Millisecond)
	}
	cancel()
	givingUp.Wait()
	again, err := sealpipe.Listen(name, nil)
	must(t, err)
	defer func() { _ = again.Close() }()
	again.Handle(2, func(_ context.Context, r *sealpipe.Request) ([]byte, error) { return r.Data, nil })
	again.Handle(3, func(context.Context, *sealpipe.Request) ([]byte, error) {
		t.Error("what was given up before it was asked was handled")
		return nil, nil
	})
	asking.Wait()
	must(t, client.Close())
}
