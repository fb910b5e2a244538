package sealpipe

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"

	"sealpipe/internal/transport"
)

// countedTransport is one of MaxConnections until it is closed. A connection that is over may still have bytes to write
// and a descriptor, so what counts is the transport.
type countedTransport struct {
	transport.Conn
	open   *atomic.Int64
	closed sync.Once
}

func newCountedTransport(t transport.Conn, open *atomic.Int64) transport.Conn {
	open.Add(1)
	return &countedTransport{Conn: t, open: open}
}

func (t *countedTransport) Close() error {
	err := t.Conn.Close()
	t.closed.Do(func() { t.open.Add(-1) })
	return err
}

// SyscallConn is that of the transport, if it has one.
func (t *countedTransport) SyscallConn() (syscall.RawConn, error) {
	if has, ok := t.Conn.(syscall.Conn); ok {
		return has.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
