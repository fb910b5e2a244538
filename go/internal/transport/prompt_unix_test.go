//go:build unix

package transport

import (
	"net"
	"os"
	"syscall"
	"testing"
)

// socketPair is two ends of a Unix socket.
func socketPair(t *testing.T) (one, other *net.UnixConn) {
	t.Helper()
	descriptors, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends []*net.UnixConn
	for _, descriptor := range descriptors {
		file := os.NewFile(uintptr(descriptor), "socket")
		conn, err := net.FileConn(file)
		_ = file.Close()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		ends = append(ends, conn.(*net.UnixConn))
	}
	return ends[0], ends[1]
}

func TestAPromptWritesWhatTheSystemTakesAndDoesNotWait(t *testing.T) {
	one, other := socketPair(t)
	prompt := NewPrompt(one)
	piece, written, last := make([]byte, 10_000), 0, len(make([]byte, 10_000))
	for last == len(piece) {
		last = prompt.Write(piece)
		written += last
	}
	if written < len(piece) {
		t.Fatalf("%d bytes were written", written)
	}
	if more := prompt.Write(piece); more != 0 {
		t.Errorf("%d bytes were written to a full socket", more)
	}
	for left := written; left > 0; {
		count, err := other.Read(make([]byte, left))
		if err != nil {
			t.Fatal(err)
		}
		left -= count
	}
	if prompt.Write([]byte("abc")) != 3 {
		t.Error("nothing was written after that")
	}
	_ = one.Close()
	if count := prompt.Write(piece); count != 0 {
		t.Errorf("%d bytes were written to a closed socket", count)
	}
}
