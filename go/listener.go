package sealpipe

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"sealpipe/internal/engine"
	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

// Listener has any number of clients.
type Listener struct {
	config   *config
	address  transport.Address
	notify   notifier
	handlers handlers
	turns    turns

	closing chan struct{}
	// handshakes counts their goroutines.
	handshakes sync.WaitGroup
	listening  transport.Listener
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
}

// pendingHandshake is a client whose handshake is not over, in the order in which they came, or last had a turn.
type pendingHandshake struct {
	transport transport.Conn
	evicted   bool
}

// detachment is a connection whose client is gone, and is waited for.
type detachment struct {
	timer *time.Timer
	// standing is how long its session had lasted, times how much was settled in it: what one would have to do to push it
	// out. One that was opened only to be dropped has none.
	standing  float64
	keptBytes int64
}

// Listen starts a listener that clients find by name: /tmp/<name>.sock, or \\.\pipe\<name> on Windows. A socket that a killed
// server left behind is replaced; a server that is alive, another user's socket and what is no socket are not. Nil options are
// the defaults.
func Listen(name string, options *Options) (*Listener, error) {
	config, address, err := prepare(name, options, wire.ServerSide)
	if err != nil {
		return nil, err
	}
	l := &Listener{
		config: config, address: address, closing: make(chan struct{}), accepted: make(chan struct{}, 1),
		open: map[*Conn]bool{}, resumable: map[wire.SessionID]*Conn{}, detachments: map[*Conn]*detachment{},
	}
	l.mu.Lock()
	defer l.mu.Unlock()
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

// Conns are the clients that are connected now, or are waited for to come back.
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

// Handle answers all clients' requests of that type, but for connections that have a handler of their own for it; nil takes it
// away again.
func (l *Listener) Handle(requestType uint32, handler Handler) { l.handlers.set(requestType, handler) }

// Accept waits for the next client: one whose handshake is over. One that leaves at once may be a second start of a server
// at this name, which asks in that way whether this one is alive. After Close it fails with ErrClosed.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	for {
		l.mu.Lock()
		if len(l.waiting) > 0 {
			next := l.waiting[0]
			l.waiting = l.waiting[1:]
			if len(l.waiting) > 0 {
				l.signalAccepted()
			}
			l.mu.Unlock()
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

// Serve gives each client to handle, in a goroutine of its own, until the context ends or the listener is closed, which it
// does then; it waits for all of them. A connection that is not closed when handle returns is closed.
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

// Broadcast writes a message to every client that is connected or waited for. One that has no room is waited for, for
// CloseTimeout at most, and then dropped with ErrQueueFull; one that does not take a message of that size is left out. OnError
// tells of both.
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
	// First of all: a golang-ipc client comes back at once, and gives up for ever if it is accepted and dropped.
	err := l.listening.Close()
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

// clientCame is called by the transport's listener.
func (l *Listener) clientCame(t transport.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = t.Close()
		return
	}
	if len(l.handshaking) == 0 && l.taken() >= l.config.MaxConnections {
		_ = t.Close()
		l.tell(nil, fault.New(fault.TooManyConnections, "a client was dropped: there are MaxConnections (%d) already", l.config.MaxConnections))
		return
	}
	pending := &pendingHandshake{transport: t}
	l.handshaking = append(l.handshaking, pending)
	l.makeRoom()
	l.handshakes.Add(1)
	go func() {
		defer l.handshakes.Done()
		l.shake(pending)
	}()
}

// taken is how many of MaxConnections are.
func (l *Listener) taken() int { return len(l.handshaking) + len(l.open) - len(l.detachments) }

// makeRoom: the oldest handshake gives way to the newest. To refuse the newest instead would let a few that say nothing keep
// out everyone.
func (l *Listener) makeRoom() {
	if len(l.handshaking) <= l.config.MaxPendingHandshakes && l.taken() <= l.config.MaxConnections {
		return
	}
	oldest := l.handshaking[0]
	l.handshaking = l.handshaking[1:]
	oldest.evicted = true
	_ = oldest.transport.Close()
	l.tell(nil, fault.New(fault.TooManyHandshakes,
		"a client that had not finished its handshake gave way to a new one: there are MaxPendingHandshakes (%d) in the handshake, or MaxConnections (%d) in all",
		l.config.MaxPendingHandshakes, l.config.MaxConnections))
}

// shake goes through a client's handshake.
func (l *Listener) shake(pending *pendingHandshake) {
	var resumed *Conn
	var resumes int
	s := &shaking{
		transport: pending.transport, in: &wire.Input{},
		handshake:    engine.NewHandshake(l.config.handshakeOptions(wire.ServerSide, nil)),
		beforeCostly: func() func() { return l.takeTurn(pending) },
	}
	s.resume = func(hello *wire.NativeHello) (engine.Step, error) {
		conn, count, step, err := l.resume(s.handshake, hello)
		resumed, resumes = conn, count
		return step, err
	}
	opened, err := s.do(l.config.HandshakeTimeout)
	l.mu.Lock()
	evicted, closed := pending.evicted, l.closed
	l.handshaking = slices.DeleteFunc(l.handshaking, func(other *pendingHandshake) bool { return other == pending })
	l.mu.Unlock()
	switch {
	case err != nil:
		_ = pending.transport.Close()
		if resumed != nil {
			resumed.lostInResume(err, resumes)
		}
		if !evicted && !closed {
			l.tell(nil, err)
		}
	case resumed != nil:
		resumed.resume(pending.transport, s.in, opened, resumes)
	default:
		l.begin(pending.transport, s.in, opened)
	}
}

// takeTurn waits for one of the turns in which costly steps are taken.
func (l *Listener) takeTurn(pending *pendingHandshake) (after func()) {
	l.turns.take()
	return func() {
		l.turns.give()
		l.mu.Lock()
		defer l.mu.Unlock()
		// A turn is not to have been for nothing: it gives way as late as one that has just come.
		if index := slices.Index(l.handshaking, pending); index >= 0 {
			l.handshaking = append(slices.Delete(l.handshaking, index, index+1), pending)
		}
	}
}

func (l *Listener) begin(t transport.Conn, in *wire.Input, opened *engine.Opened) {
	if opened.Refused != nil {
		l.tell(nil, opened.Refused)
		leave(l.config, wire.ServerSide, l.address, t, in, opened)
		return
	}
	c := newConn(l.config, wire.ServerSide, l.address)
	c.listener = l
	c.mu.Lock()
	defer c.mu.Unlock()
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		_ = t.Close()
		return
	}
	l.lastID++
	c.id = l.lastID
	l.open[c] = true
	sess := c.newSession(opened)
	if opened.Identity != nil {
		l.resumable[opened.Identity.ID] = c
	}
	l.waiting = append(l.waiting, c)
	l.signalAccepted()
	l.mu.Unlock()
	c.attach(newLink(c, t, in, opened, sess), opened, sess)
}

// ended: a connection is over. Called with its lock.
func (l *Listener) ended(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
	l.forget(c)
	for id, other := range l.resumable {
		if other == c {
			delete(l.resumable, id)
		}
	}
}

// forget: its client is back, or not waited for any more. Called with the lock.
func (l *Listener) forget(c *Conn) {
	if gone := l.detachments[c]; gone != nil {
		gone.timer.Stop()
		delete(l.detachments, c)
	}
}
