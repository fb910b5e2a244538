package sealpipe

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

// maxFellBehind bounds what is kept of sessions whose clients did not read.
const maxFellBehind = 64

// Listener is a server with any number of clients.
type Listener struct {
	config         *config
	address        transport.Address
	notify         notifier
	handlers       handlers[Handler]
	streamHandlers handlers[StreamHandler]
	turns          turns
	startedAt      time.Time

	closing chan struct{}
	// handshakes counts their goroutines.
	handshakes sync.WaitGroup
	listening  transport.Listener
	// transports counts those that are not closed yet: in the handshake, open, or on their way to an end.
	transports atomic.Int64
	// kept counts connections that are over, and hold messages that nobody has read or wait to be accepted. They count as
	// connections, because otherwise unread messages would have no bound.
	kept atomic.Int64
	// accepted signals that there may be something in waiting.
	accepted chan struct{}

	// Locked after the lock of a Conn, never before one.
	mu          sync.Mutex
	closed      bool
	lastID      uint64
	open        map[*Conn]bool
	waiting     []*Conn
	handshaking []*pendingHandshake
	resumable   map[wire.SessionID]*Conn
	detachments map[*Conn]*detachment
	// fellBehind are the last sessions that this end dropped because their clients did not read, in that order.
	fellBehind []wire.SessionID
	admin      admin
	// stats has the totals of connections that are over, and RefusedConnections.
	stats ListenerStats
}

// detachment is a connection whose client is gone, and may come back.
type detachment struct {
	timer *time.Timer
	// standing is how long its session had lasted, times how much was settled in it: another client would have to do as
	// much to displace it. A session that was opened only to be dropped has none.
	standing  float64
	keptBytes int64
}

// Listen starts a listener that clients find by name: /tmp/<name>.sock, or \\.\pipe\<name> on Windows. A socket that
// a killed server left behind is replaced; a live server's socket, another user's socket and other files are not. Nil
// options are the defaults.
func Listen(name string, options *Options) (*Listener, error) {
	config, address, err := prepare(name, options, wire.ServerSide)
	if err != nil {
		return nil, err
	}
	l := &Listener{
		config: config, address: address, startedAt: time.Now(), closing: make(chan struct{}), accepted: make(chan struct{}, 1),
		open: map[*Conn]bool{}, resumable: map[wire.SessionID]*Conn{}, detachments: map[*Conn]*detachment{},
	}
	if config.Prepare != nil {
		if err := config.Prepare(l); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fault.New(fault.Closed, "the listener was closed while it was prepared")
	}
	l.listening, err = transport.Listen(address, transport.ListenOptions{
		OpenToAllUsers: config.UnmaskPermissions, IsAlive: isServerAlive, CheckInterval: config.AddressCheckInterval,
		Accepted: l.clientCame, Failed: func(err error) { l.tell(nil, err) },
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Address is the socket's path or the pipe's name.
func (l *Listener) Address() string { return l.address.Path }

// Conns are the clients that are connected now, or may come back.
func (l *Listener) Conns() []*Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	conns := make([]*Conn, 0, len(l.open))
	for conn := range l.open {
		conns = append(conns, conn)
	}
	slices.SortFunc(conns, func(a, b *Conn) int { return int(a.id) - int(b.id) })
	return conns
}

// Handle sets the handler of all clients' requests of that type, except those of connections that have a handler of
// their own for it; nil removes it.
func (l *Listener) Handle(requestType uint32, handler Handler) {
	l.handlers.set(requestType, handler, handler != nil)
}

// HandleStream sets the handler of streams of that type that any client opens; nil removes it.
func (l *Listener) HandleStream(streamType uint32, handler StreamHandler) {
	l.streamHandlers.set(streamType, handler, handler != nil)
}

// Accept waits for the next client whose handshake is over. A client that leaves at once may be a second server that
// starts with this name, and checks in that way whether this one is alive. After Close it fails with ErrClosed.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	for {
		l.mu.Lock()
		if len(l.waiting) > 0 {
			next := l.waiting[0]
			l.waiting[0] = nil
			l.waiting = l.waiting[1:]
			if len(l.waiting) > 0 {
				l.signalAccepted()
			}
			l.mu.Unlock()
			next.mu.Lock()
			next.accepted = true
			next.countKept()
			next.mu.Unlock()
			return next, nil
		}
		l.mu.Unlock()
		select {
		case <-l.accepted:
		case <-l.closing:
			return nil, fault.New(fault.Closed, "the listener is closed")
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Serve calls handle for each client, in a goroutine of its own, until the context ends or the listener is closed.
// Then it closes the listener and waits for all handlers. A connection that is not closed when handle returns is
// closed.
func (l *Listener) Serve(ctx context.Context, handle func(context.Context, *Conn)) error {
	var running sync.WaitGroup
	defer running.Wait()
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		conn, err := l.Accept(inner)
		if err != nil {
			closing := l.Close()
			if errors.Is(err, fault.Closed) {
				return closing
			}
			return err
		}
		running.Add(1)
		go func() {
			defer running.Done()
			defer func() { _ = conn.Close() }()
			handle(inner, conn)
		}()
	}
}

// Broadcast writes a message to every client that is connected or may come back. It waits for a client that has no
// room, for at most CloseTimeout, and then drops it with ErrQueueFull, of which a native client learns as ErrFellBehind
// when it comes back; it leaves out a client that does not accept a message of that size. OnError reports both.
func (l *Listener) Broadcast(ctx context.Context, msgType uint32, data []byte) error {
	if err := session.CheckMessage(msgType, len(data), l.config.MaxMessageBytes); err != nil {
		return err
	}
	if isClosed(l.closing) {
		return fault.New(fault.Closed, "the listener is closed")
	}
	patience, cancel := context.WithTimeout(ctx, l.config.CloseTimeout)
	defer cancel()
	var slow []*Conn
	full, stop := context.WithCancel(ctx)
	stop()
	for _, conn := range l.Conns() {
		if err := conn.Write(full, msgType, data); errors.Is(err, context.Canceled) {
			slow = append(slow, conn)
		} else if errors.Is(err, fault.TooLargeForPeer) {
			conn.dropped()
			l.tell(conn, err)
		}
	}
	for _, conn := range slow {
		err := conn.Write(patience, msgType, data)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, fault.QueueFull) {
			l.tell(conn, err)
			conn.Destroy(err)
		}
	}
	return nil
}

func (l *Listener) tell(conn *Conn, err error) {
	if l.config.Logger != nil {
		l.config.Logger.Warn("sealpipe: listener", "address", l.address.Path, "error", err)
	}
	if told := l.config.OnError; told != nil {
		l.notify.offer(func() { told(conn, err) })
	}
}

// Close stops listening, ends every connection in order and removes the socket. It waits until all is closed.
func (l *Listener) Close() error {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	pending := slices.Clone(l.handshaking)
	l.mu.Unlock()
	if !first {
		<-l.closing
	} else {
		close(l.closing)
	}
	// First of all: a golang-ipc client reconnects at once, and gives up for ever if it is accepted and then dropped.
	var err error
	if l.listening != nil {
		err = l.listening.Close()
	}
	for _, handshake := range pending {
		_ = handshake.transport.Close()
	}
	l.handshakes.Wait()
	var closing sync.WaitGroup
	for _, conn := range l.Conns() {
		closing.Add(1)
		go func() {
			defer closing.Done()
			_ = conn.Close()
		}()
	}
	closing.Wait()
	return err
}

func (l *Listener) signalAccepted() {
	select {
	case l.accepted <- struct{}{}:
	default:
	}
}

// taken is how many of MaxConnections are in use.
func (l *Listener) taken() int64 { return l.transports.Load() + l.kept.Load() }

// count has a connection that is over count until it keeps nothing any more, or the application has dropped it.
func (l *Listener) count(c *Conn) {
	l.kept.Add(1)
	c.stopCounting = sync.OnceFunc(func() { l.kept.Add(-1) })
	runtime.AddCleanup(c, func(stop func()) { stop() }, c.stopCounting)
}

// ended is called when a connection is over, with its lock.
func (l *Listener) ended(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[c] {
		l.stats.ended(c.presentStats())
	}
	delete(l.open, c)
	l.forget(c)
	for id, other := range l.resumable {
		if other == c {
			delete(l.resumable, id)
			if errors.Is(c.err, fault.QueueFull) {
				l.fellBehind = append(l.fellBehind[max(0, len(l.fellBehind)-maxFellBehind+1):], id)
			}
		}
	}
}

// forget is called when the connection's client is back or given up, with the lock.
func (l *Listener) forget(c *Conn) {
	if gone := l.detachments[c]; gone != nil {
		gone.timer.Stop()
		delete(l.detachments, c)
	}
}
