//go:build unix

package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"sealpipe/internal/fault"
)

// Dial connects. It checks who holds the address before and again after: between the two it may have changed hands. Nothing
// was sent by then. The system then tells as which user the server listens.
func Dial(ctx context.Context, address Address) (Conn, error) {
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

// unixListener looks now and then whether its socket still lies at its address. One that has vanished is put back, as a new
// socket: the old one has no name any more by which it could be linked. One that has made way for another is not.
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
	found, err := identify(l.address.Path)
	if err != nil || found == l.bound.identity {
		return err
	}
	if found != (fileIdentity{}) {
		return errors.New("something else lies there now")
	}
	// Whatever has come there meanwhile is not ours to judge: nothing is replaced.
	next, err := bindSocket(l.address, &l.options, func(Address) bool { return true })
	if err != nil {
		return err
	}
	_ = l.bound.listener.Close()
	l.bound = next
	l.accept(next)
	return nil
}

func (l *unixListener) Close() (err error) {
	l.closing.Do(func() {
		close(l.closed)
		l.mu.Lock()
		// The name first, so that no one connects to a server that is about to be gone, and so that the identity still says
		// something: once the socket is closed, the system may give the same inode to another's.
		err = removeFromAddress(l.address, l.bound.identity)
		_ = l.bound.listener.Close()
		l.mu.Unlock()
		l.running.Wait()
	})
	return err
}
