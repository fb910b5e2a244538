package sealpipe_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"sealpipe"
)

// raw is a peer that says what it likes.
func raw(t testing.TB, name string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", "/tmp/"+name+".sock")
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// plainServer is one whose connections hostile peers need no key for.
func plainServer(t testing.TB, options sealpipe.Options) (*sealpipe.Listener, string, chan error) {
	failed := make(chan error, 10_000)
	options.DisableEncryption = true
	options.OnError = func(_ *sealpipe.Conn, err error) { failed <- err }
	listener, name := listen(t, &options)
	return listener, name, failed
}

// isServed sees that a good client still is.
func isServed(t testing.TB, listener *sealpipe.Listener, name string) {
	t.Helper()
	client := dial(t, name, &sealpipe.Options{DisableEncryption: true})
	must(t, client.WriteText(soon(t), 77, "still there?"))
	for {
		server, err := listener.Accept(soon(t))
		must(t, err)
		if message, err := server.Read(soon(t)); err == nil && message.Type == 77 {
			break
		}
	}
	must(t, client.Close())
}

func frames(parts ...[]byte) []byte {
	all := bytes.Join(parts, nil)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(all))), all...)
}

// nativeHello is a client's, of a session that cannot be resumed.
var nativeHello = func() []byte {
	body := []byte{0, 0x30, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}
	return frames(append([]byte{1, 0, 0, byte(len(body))}, body...))
}()

func TestWhatAPeerSaysEndsItsConnectionAndNoOther(t *testing.T) {
	native := func(more ...byte) []byte { return bytes.Join([][]byte{{0, 1}, nativeHello, more}, nil) }
	request := []byte{0x20, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 9}
	for name, c := range map[string]struct {
		says []byte
		code sealpipe.Code
	}{
		"another answer":             {[]byte{9}, sealpipe.ErrHandshakeRejected},
		"an end in the handshake":    {nil, sealpipe.ErrConnectionLost},
		"a frame that is too short":  {[]byte{0, 0, 0, 0, 0, 3}, sealpipe.ErrFrameTooShort},
		"a frame that is too large":  {[]byte{0, 0, 0xff, 0xff, 0xff, 0xff}, sealpipe.ErrPeerMessageTooLarge},
		"an end within a frame":      {[]byte{0, 0, 0, 0, 0, 9, 1}, sealpipe.ErrConnectionLost},
		"a hello that is none":       {append([]byte{0, 1}, frames([]byte{6, 0, 0, 0})...), sealpipe.ErrFrameInvalid},
		"a record that is too large": {native(0, 2, 0, 1), sealpipe.ErrFrameTooLarge},
		"an unknown kind":            {native(frames([]byte{0x77, 0, 0, 0})...), sealpipe.ErrFrameInvalid},
		"an acknowledgement of what was not sent": {
			native(frames(append([]byte{2, 0, 0, 24}, bytes.Repeat([]byte{0, 0, 0, 0, 0, 0, 0, 1}, 3)...))...), sealpipe.ErrFrameInvalid,
		},
		"a request id twice": {native(frames(request, request)...), sealpipe.ErrFrameInvalid},
		"a body of 4 GiB": {
			native(frames(append([]byte{0x11, 0, 0x40, 8, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff}, make([]byte, 16_384)...))...),
			sealpipe.ErrPeerMessageTooLarge,
		},
		"pings whose answers are not read": {
			native(frames(bytes.Repeat([]byte{4, 0, 0, 4, 0, 0, 0, 1}, 65))...), sealpipe.ErrFrameInvalid,
		},
	} {
		t.Run(name, func(t *testing.T) {
			listener, channel, failed := plainServer(t, sealpipe.Options{MaxConcurrentRequests: 1, ResumeWindow: sealpipe.Never})
			conn := raw(t, channel)
			_, err := conn.Write(append([]byte(nil), c.says...))
			must(t, err)
			must(t, conn.(*net.UnixConn).CloseWrite())
			if err := <-failed; !errors.Is(err, c.code) {
				t.Errorf("%v, not %s", err, c.code)
			}
			isServed(t, listener, channel)
		})
	}
}

func TestNonsenseHarmsNobody(t *testing.T) {
	for _, encrypted := range []bool{true, false} {
		listener, name := listen(t, &sealpipe.Options{DisableEncryption: !encrypted, ResumeWindow: sealpipe.Never})
		for range 200 {
			conn := raw(t, name)
			nonsense := make([]byte, 300)
			_, _ = rand.Read(nonsense)
			nonsense[0] = 0
			nonsense[1] %= 2
			_, _ = conn.Write(nonsense)
			_ = conn.Close()
		}
		if encrypted {
			client := dial(t, name, nil)
			must(t, client.Close())
		} else {
			isServed(t, listener, name)
		}
	}
}

func TestManySilentPeersKeepNobodyOutAndCostLittle(t *testing.T) {
	listener, name, _ := plainServer(t, sealpipe.Options{MaxPendingHandshakes: 100, MaxConnections: 200})
	before := memory()
	var silent []net.Conn
	for range 500 {
		silent = append(silent, raw(t, name))
	}
	isServed(t, listener, name)
	if each := (int64(memory()) - int64(before)) / 500; each > 32_768 {
		t.Errorf("%d bytes each", each)
	}
	for _, conn := range silent {
		_ = conn.Close()
	}
}

func TestFiveThousandSilentPeersHaveALittleMemoryEachAndKeepNobodyOut(t *testing.T) {
	const count, perPeer = 5_000, 32_768
	listener, name, failed := plainServer(t, sealpipe.Options{
		MaxPendingHandshakes: 2 * count, MaxConnections: 2 * count, HandshakeTimeout: time.Minute,
	})
	before := memory()
	for range count {
		silent := raw(t, name)
		// The server's hello: the handshake is under way, and not only in the system's queue.
		_, err := io.ReadFull(silent, make([]byte, 2))
		must(t, err)
	}
	each := (int64(memory()) - int64(before)) / count
	t.Logf("%d bytes for each of %d silent peers, with this test's own half", each, count)
	if each > perPeer {
		t.Errorf("%d bytes each, more than %d", each, perPeer)
	}
	isServed(t, listener, name)
	if len(failed) > 0 {
		t.Error(<-failed)
	}
}

func memory() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse + stats.StackInuse
}

func TestAServerThatIsFullOfClientsRefusesOneMore(t *testing.T) {
	listener, name, failed := plainServer(t, sealpipe.Options{MaxConnections: 2})
	options := &sealpipe.Options{DisableEncryption: true, ConnectTimeout: 300 * time.Millisecond}
	for range 2 {
		dial(t, name, options)
		// A client knows that its handshake is over a moment before the server does.
		_, err := listener.Accept(soon(t))
		must(t, err)
	}
	if _, err := sealpipe.Dial(soon(t), name, options); !errors.Is(err, sealpipe.ErrConnectTimeout) {
		t.Error(err)
	}
	if err := <-failed; !errors.Is(err, sealpipe.ErrTooManyConnections) {
		t.Error(err)
	}
}

func TestAPeerThatLeavesWithoutReadingCountsUntilItsTransportIsClosed(t *testing.T) {
	listener, name, failed := plainServer(t, sealpipe.Options{MaxConnections: 1, CloseTimeout: patience})
	leaving := raw(t, name)
	_, err := leaving.Write([]byte{0, 0})
	must(t, err)
	server, err := listener.Accept(soon(t))
	must(t, err)
	for range 30 {
		must(t, server.Write(soon(t), 1, make([]byte, 200_000)))
	}
	must(t, leaving.(*net.UnixConn).CloseWrite())
	awaitStatus(t, server, sealpipe.Disconnected)
	raw(t, name)
	select {
	case err := <-failed:
		if !errors.Is(err, sealpipe.ErrTooManyConnections) {
			t.Error(err)
		}
	case <-soon(t).Done():
		t.Error("a second client was let in while the first one's transport was open")
	}
	must(t, leaving.Close())
	<-server.Done()
	isServed(t, listener, name)
}

func TestAPeerThatHasLeftCountsUntilItsMessagesAreReadOrDropped(t *testing.T) {
	for name, drop := range map[string]func(*testing.T, *sealpipe.Conn) (kept *sealpipe.Conn){
		"accepted and read":      func(t *testing.T, server *sealpipe.Conn) *sealpipe.Conn { read(t, server); return server },
		"accepted and closed":    func(t *testing.T, server *sealpipe.Conn) *sealpipe.Conn { must(t, server.Close()); return server },
		"accepted and forgotten": func(*testing.T, *sealpipe.Conn) *sealpipe.Conn { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			listener, channel, failed := plainServer(t, sealpipe.Options{MaxConnections: 1})
			leaving := raw(t, channel)
			_, err := leaving.Write(append([]byte{0, 0}, frames([]byte{0, 0, 0, 1})...))
			must(t, err)
			must(t, leaving.(*net.UnixConn).CloseWrite())
			_, err = io.ReadAll(leaving)
			must(t, err)
			isRefused(t, channel, failed)
			server, err := listener.Accept(soon(t))
			must(t, err)
			kept := drop(t, server)
			for deadline := time.Now().Add(patience); !isGreeted(t, channel); {
				if time.Now().After(deadline) {
					t.Fatal("it still counts")
				}
				// A connection that the application has forgotten counts until garbage is collected.
				runtime.GC()
			}
			runtime.KeepAlive(kept)
		})
	}
}

// isRefused waits until a client is refused because there are MaxConnections.
func isRefused(t *testing.T, channel string, failed chan error) {
	for {
		isGreeted(t, channel)
		select {
		case err := <-failed:
			if errors.Is(err, sealpipe.ErrTooManyConnections) {
				return
			}
		case <-soon(t).Done():
			t.Fatal("a further client was let in")
		}
	}
}

func isGreeted(t *testing.T, channel string) bool {
	conn := raw(t, channel)
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err := io.ReadFull(conn, make([]byte, 2))
	must(t, conn.Close())
	return err == nil
}

func TestAServerThatSaysNothingOrNonsenseIsGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		says []byte
		code sealpipe.Code
	}{
		"nothing":            {nil, sealpipe.ErrConnectTimeout},
		"another version":    {[]byte{9, 1}, sealpipe.ErrVersionMismatch},
		"another encryption": {[]byte{2, 7}, sealpipe.ErrHandshakeInvalid},
		"a key that is none": {append([]byte{2, 1, 4}, make([]byte, 96)...), sealpipe.ErrInvalidPublicKey},
	} {
		t.Run(name, func(t *testing.T) {
			channel := freshName()
			listener, err := net.Listen("unix", "/tmp/"+channel+".sock")
			must(t, err)
			defer func() { _ = listener.Close() }()
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					_, _ = conn.Write(c.says)
					defer func() { _ = conn.Close() }()
				}
			}()
			_, err = sealpipe.Dial(soon(t), channel, &sealpipe.Options{
				HandshakeTimeout: 50 * time.Millisecond, ConnectTimeout: 300 * time.Millisecond,
			})
			if !errors.Is(err, c.code) {
				t.Errorf("%v, not %s", err, c.code)
			}
		})
	}
}

func TestAPeerThatStopsIsNoticed(t *testing.T) {
	listener, name, failed := plainServer(t, sealpipe.Options{
		KeepaliveInterval: 20 * time.Millisecond, KeepaliveTimeout: 50 * time.Millisecond, ResumeWindow: sealpipe.Never,
	})
	conn := raw(t, name)
	_, err := conn.Write(append([]byte{0, 1}, nativeHello...))
	must(t, err)
	server, err := listener.Accept(soon(t))
	must(t, err)
	if err := <-failed; !errors.Is(err, sealpipe.ErrKeepaliveTimeout) {
		t.Error(err)
	}
	<-server.Done()
}

func TestAPeerThatDoesNotTakeWhatWasWrittenCannotHoldAClose(t *testing.T) {
	for name, hello := range map[string][]byte{"native": append([]byte{0, 1}, nativeHello...), "classic": {0, 0}} {
		t.Run(name, func(t *testing.T) {
			listener, channel, _ := plainServer(t, sealpipe.Options{CloseTimeout: 100 * time.Millisecond})
			_, err := raw(t, channel).Write(hello)
			must(t, err)
			server, err := listener.Accept(soon(t))
			must(t, err)
			for range 30 {
				must(t, server.Write(soon(t), 1, make([]byte, 200_000)))
			}
			if err := server.Close(); !errors.Is(err, sealpipe.ErrCloseTimeout) {
				t.Error(err)
			}
		})
	}
}
