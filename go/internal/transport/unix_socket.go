//go:build unix

package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"sealpipe/internal/fault"
)

// Dial connects. It checks the owner of the address before connecting, and again afterwards, because it may have
// changed in between; nothing has been sent by then. Then it checks the kernel's report of the server's user.
func Dial(ctx context.Context, address Address) (Conn, error) {
	address, release, err := holdDirectory(address)
	if err != nil {
		return nil, asConnectFailed(address, err)
	}
	defer release()
	if err := checkAddressTrusted(address); err != nil {
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", address.Path)
	if err != nil {
		return nil, connectFailed(address, err)
	}
	unix := conn.(*net.UnixConn)
	if err = checkAddressTrusted(address); err == nil {
		err = checkPeer(unix, address)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return unix, nil
}

func asConnectFailed(address Address, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	return connectFailed(address, err)
}

func checkPeer(conn *net.UnixConn, address Address) error {
	user, known, err := peerUser(conn)
	if err != nil {
		return connectFailed(address, err)
	}
	if known && !address.Trust.includes(user) {
		return untrusted(address, fmt.Sprintf("the process that listens there is of the user %d; the option Trust can allow users", user))
	}
	return nil
}

// Listen listens at the address.
func Listen(address Address, options ListenOptions) (Listener, error) {
	bound, err := bindSocket(address, &options, options.IsAlive)
	if err != nil {
		return nil, err
	}
	l := &unixListener{address: address, options: options, bound: bound, closed: make(chan struct{})}
	l.accept(bound)
	if options.CheckInterval > 0 {
		l.running.Add(1)
		go l.keepAddress()
	}
	return l, nil
}

// unixListener checks from time to time that its socket is still at its address. If it has vanished, a new socket is
// put there, because the old one has no path left by which it could be linked. If another file has replaced it, that
// stays.
type unixListener struct {
	address Address
	options ListenOptions
	closed  chan struct{}
	closing sync.Once
	running sync.WaitGroup

	mu    sync.Mutex
	bound boundSocket
}

func (l *unixListener) accept(bound boundSocket) {
	l.running.Add(1)
	go func() {
		defer l.running.Done()
		accept(bound.listener, l.closed, &l.options, l.admit)
	}()
}

// admit looks at the user of the process that has connected: the socket's mode keeps others out, and so does the system's
// word.
func (l *unixListener) admit(conn net.Conn) (Conn, error) {
	unix := conn.(*net.UnixConn)
	if l.options.OpenToAllUsers {
		return unix, nil
	}
	user, known, err := peerUser(unix)
	if err != nil {
		return nil, fault.Wrap(fault.ConnectionLost, err, "a client left before it could be seen who it is")
	}
	if known && !(Trust{}).includes(user) {
		return nil, fault.New(fault.AddressUntrusted, "a client of the user %d was dropped", user)
	}
	return unix, nil
}

func (l *unixListener) keepAddress() {
	defer l.running.Done()
	told := false
	ticker := time.NewTicker(l.options.CheckInterval)
	defer ticker.Stop()
	for {
		select {
		case <-l.closed:
			return
		case <-ticker.C:
		}
		err := l.lookAfterAddress()
		if err != nil && !told {
			l.options.Failed(fault.Wrap(fault.AddressLost, err, "new clients cannot reach the server: its socket %s is gone, and was not put back", l.address.Path))
		}
		told = err != nil
	}
}

func (l *unixListener) lookAfterAddress() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, err := identifyAt(l.address)
	if err != nil || found == l.bound.identity {
		return err
	}
	if found != (fileIdentity{}) {
		return errors.New("something else is there now")
	}
	// Nothing that has appeared there meanwhile is replaced.
	next, err := bindSocket(l.address, &l.options, func(Address) bool { return true })
	if err != nil {
		return err
	}
	_ = l.bound.listener.Close()
	l.bound = next
	l.accept(next)
	return nil
}

// identifyAt is which socket is at the address; none if its private directory is gone.
func identifyAt(address Address) (fileIdentity, error) {
	address, release, err := holdIfThere(address, processDescriptors)
	if err == syscall.ENOENT {
		return fileIdentity{}, nil
	} else if err != nil {
		return fileIdentity{}, err
	}
	defer release()
	return identify(address.Path)
}

func (l *unixListener) Close() (err error) {
	l.closing.Do(func() {
		close(l.closed)
		l.mu.Lock()
		// The file first: nobody connects to a server that is about to end, and the identity is still valid: once the
		// socket is closed, the system may reuse the inode for another one.
		err = removeFromAddress(l.address, l.bound.identity)
		_ = l.bound.listener.Close()
		l.mu.Unlock()
		l.running.Wait()
	})
	return err
}
