package sealpipe_test

import (
	"bytes"
	"io"
	"net"
	"testing"

	"sealpipe"
)

func TestAClassicPeerThatEndsItsSideAfterAMessageIsAnswered(t *testing.T) {
	listener, channel, _ := plainServer(t, sealpipe.Options{})
	for range 10 {
		conn := raw(t, channel)
		message := frames([]byte{0, 0, 0, 1}, []byte("question"))
		_, err := conn.Write(append([]byte{0, 0}, message...))
		must(t, err)
		must(t, conn.(*net.UnixConn).CloseWrite())
		server, err := listener.Accept(soon(t))
		must(t, err)
		must(t, server.WriteText(soon(t), 1, read(t, server).Text()))
		// A read that waits shows that the question is answered.
		go func() { _, _ = server.Read(soon(t)) }()
		heard, err := io.ReadAll(conn)
		must(t, err)
		if !bytes.HasSuffix(heard, message) {
			t.Fatalf("the peer hears %x", heard)
		}
	}
}
