// Package transport moves bytes between two processes: it resolves names to addresses, listens and connects. On Unix it
// decides whose an address may be, and how two starters never both win; the same files lie in the same places in every
// language, so that programs in any of them never steal from each other.
package transport

import (
	"errors"
	"net"
	"time"

	"sealpipe/internal/fault"
)

// Conn moves bytes in order.
type Conn interface {
	net.Conn
	// CloseWrite says that nothing more will be written. If the platform has no half-close, it closes the connection
	// once the peer has read what was written.
	CloseWrite() error
}

// Address is what a name resolves to.
type Address struct {
	// Path is the socket's path, or the pipe's whole name.
	Path string
	// Trust is who may own the address besides this user and root. Not used on Windows.
	Trust Trust
	// private: the directory is one of this user's own, to be opened before anything is done at the path.
	private bool
	// held is that directory once it is open, and shown the path for people, since Path then leads through held.
	held, shown string
}

func (a Address) shownPath() string {
	if a.shown != "" {
		return a.shown
	}
	return a.Path
}

// Trust is the set of users that may own an address, besides the user of this process and root.
type Trust struct {
	Anyone bool
	Users  []uint32
}

// ListenOptions say how to listen.
type ListenOptions struct {
	// OpenToAllUsers: every user of the machine may connect, not only the user whose process listens.
	OpenToAllUsers bool
	// IsAlive reports whether a server is alive at an address that is in use. Only a socket that is certainly dead is
	// replaced.
	IsAlive func(Address) bool
	// CheckInterval is how often to look whether the socket is still at its address; 0 is never.
	CheckInterval time.Duration
	// Accepted is given each process that has connected, from goroutines of the listener's.
	Accepted func(Conn)
	// Failed is told that the listener failed while it listened, or has lost its address. It goes on.
	Failed func(error)
}

// Listener accepts connections until it is closed.
type Listener interface {
	// Close stops accepting and frees the address. Accepted connections live on.
	Close() error
}

func addressInUse(address Address, why string) error {
	return fault.New(fault.AddressInUse, "the address %s is taken: %s", address.shownPath(), why)
}

func listenFailed(address Address, cause error) error {
	return fault.Wrap(fault.ListenFailed, cause, "cannot listen at %s", address.shownPath())
}

func connectFailed(address Address, cause error) error {
	return fault.Wrap(fault.ConnectFailed, cause, "cannot connect to %s", address.shownPath())
}

const (
	minAcceptPause = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

// accept passes on connections until the listener is closed. When descriptors run out it pauses, and reports that
// once.
func accept(listener net.Listener, stop <-chan struct{}, options *ListenOptions, admit func(net.Conn) (Conn, error)) {
	pause := minAcceptPause
	for {
		conn, err := listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			if pause == minAcceptPause {
				options.Failed(fault.Wrap(fault.ListenFailed, err, "the listener failed, and goes on"))
			}
			select {
			case <-stop:
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, maxAcceptPause)
		default:
			pause = minAcceptPause
			admitted, err := admit(conn)
			if err != nil {
				_ = conn.Close()
				options.Failed(err)
				continue
			}
			options.Accepted(admitted)
		}
	}
}
