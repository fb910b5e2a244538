package sealpipe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sealpipe"
)

// ways are the wires that two ends can speak.
var ways = map[string]sealpipe.Options{
	"native":        {Profile: sealpipe.ProfileNative},
	"native plain":  {Profile: sealpipe.ProfileNative, DisableEncryption: true},
	"native secret": {Secret: []byte("open sesame")},
	"classic":       {Profile: sealpipe.ProfileClassic},
	"classic plain": {Profile: sealpipe.ProfileClassic, DisableEncryption: true},
	"auto":          {},
}

func eachWay(t *testing.T, try func(t *testing.T, options *sealpipe.Options)) {
	for name, options := range ways {
		t.Run(name, func(t *testing.T) { try(t, &options) })
	}
}

func content(size, seed int) []byte {
	data := make([]byte, size)
	for index := range data {
		data[index] = byte(index*31 + seed + index>>8)
	}
	return data
}

func TestMessagesOfEverySizeArriveBothWays(t *testing.T) {
	eachWay(t, func(t *testing.T, options *sealpipe.Options) {
		sizes := []int{0, 1, 64, 4_095, 16_376, 16_377, 65_536, 130_040, 130_041, 1_000_000, 3_145_728}
		server, client := pair(t, options, options)
		for _, ends := range [][2]*sealpipe.Conn{{server, client}, {client, server}} {
			from, to := ends[0], ends[1]
			var writing sync.WaitGroup
			writing.Add(1)
			go func() {
				defer writing.Done()
				for index, size := range sizes {
					if err := from.Write(soon(t), uint32(index+1), content(size, index)); err != nil {
						t.Error(err)
					}
				}
			}()
			for index, size := range sizes {
				message := read(t, to)
				if message.Type != uint32(index+1) || !bytes.Equal(message.Data, content(size, index)) {
					t.Fatalf("message %d of %d bytes is another: type %d, %d bytes", index, size, message.Type, len(message.Data))
				}
			}
			writing.Wait()
		}
	})
}

func TestManyMessagesArriveInOrder(t *testing.T) {
	eachWay(t, func(t *testing.T, options *sealpipe.Options) {
		const count = 20_000
		server, client := pair(t, options, options)
		go func() {
			for number := range count {
				_ = client.Write(context.Background(), uint32(number+1), []byte(fmt.Sprint(number)))
			}
		}()
		for number := range count {
			if message := read(t, server); message.Text() != fmt.Sprint(number) {
				t.Fatalf("%s arrived as the %dth", message.Text(), number)
			}
		}
	})
}

func TestBothEndsKnowWhatTheySpeakAndToWhom(t *testing.T) {
	server, client := pair(t,
		&sealpipe.Options{Application: "daemon", ApplicationVersion: "1.2"},
		&sealpipe.Options{Application: "gui"})
	if client.Profile() != sealpipe.ProfileNative || !client.Encrypted() || client.Status() != sealpipe.Connected {
		t.Errorf("%s, encrypted: %v, %s", client.Profile(), client.Encrypted(), client.Status())
	}
	if peer := client.Peer(); peer.Application != "daemon" || peer.ApplicationVersion != "1.2" || peer.PID != uint32(os.Getpid()) {
		t.Errorf("%+v", peer)
	}
	if peer := server.Peer(); peer.Application != "gui" || server.ID() != 1 {
		t.Errorf("%+v", peer)
	}
}

func TestAutoSpeaksClassicWithAnEndThatDoes(t *testing.T) {
	for _, options := range [][2]*sealpipe.Options{
		{nil, {Profile: sealpipe.ProfileClassic}}, {{Profile: sealpipe.ProfileClassic}, nil},
	} {
		server, client := pair(t, options[0], options[1])
		if server.Profile() != sealpipe.ProfileClassic || client.Profile() != sealpipe.ProfileClassic {
			t.Errorf("%s and %s", server.Profile(), client.Profile())
		}
		must(t, client.WriteText(soon(t), 1, "hello"))
		if read(t, server).Text() != "hello" {
			t.Error("another message arrived")
		}
	}
}

func TestEndsThatDoNotGoTogetherSayWhy(t *testing.T) {
	for name, c := range map[string]struct {
		server, client *sealpipe.Options
		code           sealpipe.Code
	}{
		"encryption":       {&sealpipe.Options{DisableEncryption: true}, nil, sealpipe.ErrEncryptionRequired},
		"native client":    {&sealpipe.Options{Profile: sealpipe.ProfileClassic}, &sealpipe.Options{Profile: sealpipe.ProfileNative}, sealpipe.ErrPeerNotNative},
		"another secret":   {&sealpipe.Options{Secret: []byte("a")}, &sealpipe.Options{Secret: []byte("b")}, sealpipe.ErrAuthenticationFailed},
		"secret at server": {&sealpipe.Options{Secret: []byte("a")}, nil, sealpipe.ErrAuthenticationFailed},
		"secret at client": {nil, &sealpipe.Options{Secret: []byte("a")}, sealpipe.ErrAuthenticationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			failed := make(chan error, 9)
			options := sealpipe.Options{}
			if c.server != nil {
				options = *c.server
			}
			options.OnError = func(_ *sealpipe.Conn, err error) { failed <- err }
			_, channel := listen(t, &options)
			_, err := sealpipe.Dial(soon(t), channel, c.client)
			if !errors.Is(err, c.code) {
				t.Errorf("the client: %v", err)
			}
			if name == "native client" {
				return // To a classic server the client is one that leaves.
			}
			if err := <-failed; !errors.Is(err, c.code) {
				t.Errorf("the server: %v", err)
			}
		})
	}
}

func TestANativeServerRefusesAClassicClient(t *testing.T) {
	failed := make(chan error, 1)
	_, name := listen(t, &sealpipe.Options{
		Profile: sealpipe.ProfileNative, OnError: func(_ *sealpipe.Conn, err error) { failed <- err },
	})
	client, err := sealpipe.Dial(soon(t), name, &sealpipe.Options{Profile: sealpipe.ProfileClassic})
	must(t, err)
	defer func() { _ = client.Close() }()
	if err := <-failed; !errors.Is(err, sealpipe.ErrPeerNotNative) {
		t.Error(err)
	}
}

func TestRequestsAreAnsweredBothWays(t *testing.T) {
	listener, name := listen(t, nil)
	listener.Handle(1, func(_ context.Context, r *sealpipe.Request) ([]byte, error) {
		return append([]byte("server: "), r.Data...), nil
	})
	client := dial(t, name, nil)
	client.Handle(1, func(_ context.Context, r *sealpipe.Request) ([]byte, error) {
		return append([]byte("client: "), r.Data...), nil
	})
	server, err := listener.Accept(soon(t))
	must(t, err)
	for _, size := range []int{0, 10, 200_000, 3_000_000} {
		question := content(size, 1)
		for who, asker := range map[string]*sealpipe.Conn{"server: ": client, "client: ": server} {
			answer, err := asker.Request(soon(t), 1, question)
			if err != nil || !bytes.Equal(answer, append([]byte(who), question...)) {
				t.Errorf("%s%d bytes: %v", who, size, err)
			}
		}
	}
}

func TestManyRequestsAtATime(t *testing.T) {
	listener, name := listen(t, &sealpipe.Options{MaxConcurrentRequests: 3})
	var mu sync.Mutex
	running, highest := 0, 0
	listener.Handle(7, func(_ context.Context, r *sealpipe.Request) ([]byte, error) {
		mu.Lock()
		running++
		highest = max(highest, running)
		mu.Unlock()
		defer func() { mu.Lock(); running--; mu.Unlock() }()
		return r.Data, nil
	})
	client := dial(t, name, nil)
	var asking sync.WaitGroup
	for number := range 500 {
		asking.Add(1)
		go func() {
			defer asking.Done()
			question := fmt.Sprint(number)
			answer, err := client.Request(soon(t), 7, []byte(question))
			if err != nil || string(answer) != question {
				t.Errorf("%s: %s, %v", question, answer, err)
			}
		}()
	}
	asking.Wait()
	if highest > 3 {
		t.Errorf("%d handlers were at work at a time", highest)
	}
}

func TestAFailedHandlerTellsItsErrorAndHarmsNothingElse(t *testing.T) {
	listener, name := listen(t, nil)
	listener.Handle(1, func(context.Context, *sealpipe.Request) ([]byte, error) {
		return nil, fmt.Errorf("wrapped: %w", sealpipe.Fail("NOT_FOUND", "no such %s", "file"))
	})
	listener.Handle(2, func(context.Context, *sealpipe.Request) ([]byte, error) { return nil, errors.New("oops") })
	listener.Handle(3, func(context.Context, *sealpipe.Request) ([]byte, error) { panic("in a handler") })
	client := dial(t, name, nil)
	for requestType, want := range map[uint32]sealpipe.Error{
		1: {Code: "NOT_FOUND", Message: "no such file"}, 2: {Code: sealpipe.ErrHandlerFailed, Message: "oops"},
		3: {Code: sealpipe.ErrHandlerFailed, Message: "the handler panicked"},
		4: {Code: sealpipe.ErrNoHandler, Message: "nobody handles requests of type 4"},
	} {
		_, err := client.Request(soon(t), requestType, nil)
		var remote *sealpipe.Error
		if !errors.As(err, &remote) || !remote.Remote || remote.Code != want.Code || remote.Message != want.Message {
			t.Errorf("request %d: %v", requestType, err)
		}
	}
}

func TestAContextThatEndsIsACancelOnTheWire(t *testing.T) {
	listener, name := listen(t, nil)
	began, cancelled := make(chan struct{}), make(chan error, 1)
	listener.Handle(1, func(ctx context.Context, _ *sealpipe.Request) ([]byte, error) {
		close(began)
		<-ctx.Done()
		cancelled <- ctx.Err()
		return nil, ctx.Err()
	})
	client := dial(t, name, nil)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-began; cancel() }()
	if _, err := client.Request(ctx, 1, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-cancelled

	late, cancelLate := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancelLate()
	if _, err := client.Read(late); !errors.Is(err, sealpipe.ErrReadTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestAClassicPeerHasNoRequests(t *testing.T) {
	classic := &sealpipe.Options{Profile: sealpipe.ProfileClassic}
	server, client := pair(t, classic, nil)
	for _, end := range []*sealpipe.Conn{server, client} {
		if _, err := end.Request(soon(t), 1, nil); !errors.Is(err, sealpipe.ErrPeerNotNative) {
			t.Error(err)
		}
	}
}

func TestCloseSendsWhatWasWrittenFirst(t *testing.T) {
	eachWay(t, func(t *testing.T, options *sealpipe.Options) {
		server, client := pair(t, options, options)
		for number := range 300 {
			must(t, client.Write(soon(t), uint32(number+1), content(5_000, number)))
		}
		closed := make(chan error, 1)
		go func() { closed <- client.Close() }()
		number := 0
		for message, err := range server.Messages(soon(t)) {
			must(t, err)
			if !bytes.Equal(message.Data, content(5_000, number)) {
				t.Fatalf("message %d is another", number)
			}
			number++
		}
		if number != 300 {
			t.Errorf("%d arrived", number)
		}
		must(t, <-closed)
		if client.Status() != sealpipe.Closed {
			t.Errorf("the client is %s", client.Status())
		}
		awaitStatus(t, server, sealpipe.Disconnected)
		if err := server.WriteText(soon(t), 1, "late"); !errors.Is(err, sealpipe.ErrClosed) {
			t.Error(err)
		}
		if err := client.WriteText(soon(t), 1, "late"); !errors.Is(err, sealpipe.ErrClosed) {
			t.Error(err)
		}
	})
}

func TestFlushWaitsForTheReader(t *testing.T) {
	server, client := pair(t, nil, nil)
	must(t, client.WriteText(soon(t), 1, "read me"))
	flushed := make(chan error, 1)
	go func() { flushed <- client.Flush(soon(t)) }()
	select {
	case <-flushed:
		t.Error("flushed before it was read")
	case <-time.After(50 * time.Millisecond):
	}
	read(t, server)
	must(t, <-flushed)
	if client.QueuedBytes() != 0 {
		t.Errorf("%d bytes are queued", client.QueuedBytes())
	}
}

func TestAWriterWaitsForAReaderThatDoesNotRead(t *testing.T) {
	eachWay(t, func(t *testing.T, options *sealpipe.Options) {
		small := *options
		small.MaxQueuedBytes = 500_000
		server, client := pair(t, &small, &small)
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		written := 0
		for ; ; written++ {
			if err := client.Write(ctx, 1, content(1_000, written)); err != nil {
				if !errors.Is(err, sealpipe.ErrQueueFull) {
					t.Error(err)
				}
				break
			}
		}
		if written > 5_000 {
			t.Errorf("%d messages were taken", written)
		}
		for number := range written {
			if !bytes.Equal(read(t, server).Data, content(1_000, number)) {
				t.Fatalf("message %d is another", number)
			}
		}
	})
}

func TestALargeMessageDoesNotHoldUpARequest(t *testing.T) {
	listener, name := listen(t, nil)
	listener.Handle(1, func(context.Context, *sealpipe.Request) ([]byte, error) { return nil, nil })
	client := dial(t, name, nil)
	for range 2 {
		must(t, client.Write(soon(t), 1, make([]byte, 3_000_000)))
	}
	_, err := client.Request(soon(t), 1, nil)
	must(t, err)
	// Nobody reads the messages: an orderly close would wait for that.
	client.Destroy(nil)
}

func TestBroadcastReachesAllAndDropsWhoDoesNotRead(t *testing.T) {
	failed := make(chan error, 99)
	listener, name := listen(t, &sealpipe.Options{
		CloseTimeout: 100 * time.Millisecond, MaxQueuedBytes: 300_000,
		OnError: func(_ *sealpipe.Conn, err error) { failed <- err },
	})
	reader := dial(t, name, nil)
	toReader, err := listener.Accept(soon(t))
	must(t, err)
	learned := make(chan error, 99)
	deaf := dial(t, name, &sealpipe.Options{OnError: func(_ *sealpipe.Conn, err error) { learned <- err }})
	_, err = listener.Accept(soon(t))
	must(t, err)
	const rounds = 400
	counted := make(chan int, 1)
	go func() {
		count := 0
		for range reader.Messages(soon(t)) {
			if count++; count == rounds {
				break
			}
		}
		counted <- count
	}()
	for number := range rounds {
		must(t, listener.Broadcast(soon(t), 1, content(10_000, number)))
		// On a busy machine a client that does read could fall behind, too.
		must(t, toReader.Flush(soon(t)))
	}
	if err := <-failed; !errors.Is(err, sealpipe.ErrQueueFull) {
		t.Error(err)
	}
	for _, code := range []sealpipe.Code{sealpipe.ErrConnectionLost, sealpipe.ErrFellBehind} {
		select {
		case err := <-learned:
			if !errors.Is(err, code) {
				t.Errorf("the client that does not read learned of %v, not %s", err, code)
			}
		case <-soon(t).Done():
			t.Errorf("the client that does not read did not learn of %s", code)
		}
	}
	must(t, listener.Close())
	if count := <-counted; count != rounds {
		t.Errorf("%d arrived", count)
	}
	deaf.Destroy(nil)
}

func TestServeClosesWhatItsHandlerLeaves(t *testing.T) {
	listener, name := listen(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- listener.Serve(ctx, func(ctx context.Context, c *sealpipe.Conn) {
			message, _ := c.Read(ctx)
			_ = c.Write(ctx, 1, message.Data)
		})
	}()
	client := dial(t, name, nil)
	must(t, client.WriteText(soon(t), 1, "echo"))
	if read(t, client).Text() != "echo" {
		t.Error("another message came back")
	}
	cancel()
	if err := <-served; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	client.Destroy(nil)
}

func TestASecretFileIsMadeOnceAndKeptFromOthers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	options := &sealpipe.Options{SecretFile: file}
	server, client := pair(t, options, options)
	must(t, client.WriteText(soon(t), 1, "hello"))
	read(t, server)
	secret, err := os.ReadFile(file)
	if err != nil || len(secret) != 32 {
		t.Errorf("%d bytes: %v", len(secret), err)
	}
	must(t, os.Chmod(file, 0o640))
	if _, err := sealpipe.Listen(freshName(), options); !errors.Is(err, sealpipe.ErrSecretFile) {
		t.Errorf("open to others: %v", err)
	}
	must(t, os.Remove(file))
	must(t, os.Symlink("/etc/passwd", file))
	if _, err := sealpipe.Listen(freshName(), options); !errors.Is(err, sealpipe.ErrSecretFile) {
		t.Errorf("a link: %v", err)
	}
	must(t, os.Remove(file))
	must(t, os.WriteFile(file, make([]byte, 1025), 0o600))
	if _, err := sealpipe.Listen(freshName(), options); !errors.Is(err, sealpipe.ErrSecretFile) {
		t.Errorf("too long: %v", err)
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	for name, options := range map[string]sealpipe.Options{
		"a relative directory": {Directory: "here"}, "a profile": {Profile: "modern"},
		"a size": {MaxMessageBytes: -1}, "too large a size": {MaxMessageBytes: 1<<30 + 1},
		"a duration": {FrameTimeout: -5}, "never": {HandshakeTimeout: sealpipe.Never},
		"an empty secret": {Secret: []byte{}}, "a long secret": {Secret: make([]byte, 1025)},
		"a secret, classic": {Secret: []byte("a"), Profile: sealpipe.ProfileClassic},
		"a secret, plain":   {Secret: []byte("a"), DisableEncryption: true},
		"two secrets":       {Secret: []byte("a"), SecretFile: "/tmp/a"},
		"a relative file":   {SecretFile: "secret"},
		"no UTF-8":          {Application: "\xff"},
		"Dial's":            {ConnectTimeout: time.Second},
		"private and open":  {PrivateDirectory: true, UnmaskPermissions: true},
	} {
		if _, err := sealpipe.Listen(freshName(), &options); !errors.Is(err, sealpipe.ErrInvalidOption) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, options := range map[string]sealpipe.Options{
		"Listen's": {MaxConnections: 5}, "also Listen's": {Prepare: func(*sealpipe.Listener) error { return nil }},
		"delays": {RetryDelay: time.Hour, MaxRetryDelay: time.Second},
	} {
		if _, err := sealpipe.Dial(soon(t), freshName(), &options); !errors.Is(err, sealpipe.ErrInvalidOption) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASecondServerAtANameIsRefusedAndHarmsNothing(t *testing.T) {
	for _, profile := range []sealpipe.Profile{sealpipe.ProfileAuto, sealpipe.ProfileClassic} {
		listener, name := listen(t, &sealpipe.Options{Profile: profile})
		if _, err := sealpipe.Listen(name, nil); !errors.Is(err, sealpipe.ErrAddressInUse) {
			t.Error(err)
		}
		// The second start asked whether the first is alive.
		_, err := listener.Accept(soon(t))
		must(t, err)
		client := dial(t, name, nil)
		must(t, client.Close())
	}
}

func TestDialWaitsForTheServerAndNoLonger(t *testing.T) {
	name := freshName()
	if _, err := sealpipe.Dial(soon(t), name, &sealpipe.Options{ConnectTimeout: 20 * time.Millisecond}); !errors.Is(err, sealpipe.ErrConnectTimeout) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := sealpipe.Dial(ctx, name, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	dialled := make(chan error, 1)
	go func() {
		client, err := sealpipe.Dial(soon(t), name, nil)
		if err == nil {
			_ = client.Close()
		}
		dialled <- err
	}()
	listener, err := sealpipe.Listen(name, nil)
	must(t, err)
	must(t, <-dialled)
	must(t, listener.Close())
}

// What a peer sends right after its part of the handshake may come in one piece with it.
func TestWhatComesTogetherWithTheHandshakeIsRead(t *testing.T) {
	listener, name := listen(t, &sealpipe.Options{DisableEncryption: true, Profile: sealpipe.ProfileClassic})
	conn, err := net.Dial("unix", "/tmp/"+name+".sock")
	must(t, err)
	defer func() { _ = conn.Close() }()
	_, err = conn.Write([]byte{0, 0, 0, 0, 0, 5, 0, 0, 0, 7, 42})
	must(t, err)
	server, err := listener.Accept(soon(t))
	must(t, err)
	if message := read(t, server); message.Type != 7 || !bytes.Equal(message.Data, []byte{42}) {
		t.Errorf("%+v", message)
	}
}
