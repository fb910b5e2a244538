package transport

import (
	"context"
	"errors"
	"net"
	"os/user"
	"sync"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"

	"sealpipe/internal/fault"
)

// Windows named pipes. A pipe is gone with the process that made it, so there is nothing stale to replace. Processes of other
// machines are refused.

const pipeBufferBytes = 65_536

// OwnUID has no meaning here.
func OwnUID() uint32 { return 0 }

// ObjectionToWay has none here: put a file where only your user can reach it.
func ObjectionToWay(string, Trust) (string, error) { return "", nil }

// IsListedAsListening knows of nothing here.
func IsListedAsListening(string) bool { return false }

func findRuntimeDirectory() (string, error) { return "", nil }

// pipe has no half-close: when one side ends, both do, after the other has read what was written.
type pipe struct{ net.Conn }

func (p pipe) CloseWrite() error {
	if flusher, ok := p.Conn.(interface{ Flush() error }); ok {
		_ = flusher.Flush()
	}
	return p.Close()
}

// Dial connects.
func Dial(ctx context.Context, address Address) (Conn, error) {
	conn, err := winio.DialPipeContext(ctx, address.Path)
	if err != nil {
		return nil, connectFailed(address, err)
	}
	return pipe{conn}, nil
}

// Listen listens at the address.
func Listen(address Address, options ListenOptions) (Listener, error) {
	descriptor, err := securityDescriptor(options.OpenToAllUsers)
	if err != nil {
		return nil, listenFailed(address, err)
	}
	listener, err := winio.ListenPipe(address.Path, &winio.PipeConfig{
		SecurityDescriptor: descriptor, InputBufferSize: pipeBufferBytes, OutputBufferSize: pipeBufferBytes,
	})
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_PIPE_BUSY) {
		return nil, fault.Wrap(fault.AddressInUse, err, "the address %s is taken: another server listens there", address.Path)
	}
	if err != nil {
		return nil, listenFailed(address, err)
	}
	l := &pipeListener{listener: listener, closed: make(chan struct{})}
	l.running.Add(1)
	go func() {
		defer l.running.Done()
		accept(winioListener{listener}, l.closed, &options, func(conn net.Conn) (Conn, error) { return pipe{conn}, nil })
	}()
	return l, nil
}

// securityDescriptor lets this user and the system in, and everyone of this machine if asked for.
func securityDescriptor(openToAllUsers bool) (string, error) {
	if openToAllUsers {
		return "D:P(A;;GA;;;WD)", nil
	}
	current, err := user.Current()
	if err != nil {
		return "", err
	}
	return "D:P(A;;GA;;;" + current.Uid + ")(A;;GA;;;SY)", nil
}

// winioListener says that it is closed as the standard library's listeners do.
type winioListener struct{ net.Listener }

func (l winioListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if errors.Is(err, winio.ErrPipeListenerClosed) {
		return nil, net.ErrClosed
	}
	return conn, err
}

type pipeListener struct {
	listener net.Listener
	closed   chan struct{}
	closing  sync.Once
	running  sync.WaitGroup
}

func (l *pipeListener) Close() (err error) {
	l.closing.Do(func() {
		close(l.closed)
		err = l.listener.Close()
		l.running.Wait()
	})
	return err
}
