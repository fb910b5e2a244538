package sealpipe

import (
	"errors"
	"slices"

	"sealpipe/internal/engine"
	"sealpipe/internal/fault"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

// pendingHandshake is a client whose handshake is not over. They are ordered by when they began, or last had a turn.
type pendingHandshake struct {
	transport transport.Conn
	evicted   bool
}

// clientCame is called by the transport's listener.
func (l *Listener) clientCame(t transport.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = t.Close()
		return
	}
	if len(l.handshaking) == 0 && l.taken() >= int64(l.config.MaxConnections) {
		_ = t.Close()
		l.stats.RefusedConnections++
		l.tell(nil, fault.New(fault.TooManyConnections, "a client was dropped: there are MaxConnections (%d) already", l.config.MaxConnections))
		return
	}
	pending := &pendingHandshake{transport: newCountedTransport(t, &l.transports)}
	l.handshaking = append(l.handshaking, pending)
	l.makeRoom()
	l.handshakes.Add(1)
	go func() {
		defer l.handshakes.Done()
		l.shake(pending)
	}()
}

// makeRoom drops the oldest handshake for the newest. To refuse the newest instead would let a few silent clients
// keep everyone out.
func (l *Listener) makeRoom() {
	if len(l.handshaking) <= l.config.MaxPendingHandshakes && l.taken() <= int64(l.config.MaxConnections) {
		return
	}
	oldest := l.handshaking[0]
	l.handshaking = l.handshaking[1:]
	oldest.evicted = true
	l.stats.RefusedConnections++
	_ = oldest.transport.Close()
	l.tell(nil, fault.New(fault.TooManyHandshakes,
		"a client that had not finished its handshake gave way to a new one: there are MaxPendingHandshakes (%d) in the handshake, or MaxConnections (%d) in all",
		l.config.MaxPendingHandshakes, l.config.MaxConnections))
}

// shake completes a client's handshake.
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
	if err != nil && !evicted && !closed && (s.heard || !errors.Is(err, fault.ConnectionLost)) {
		l.stats.RefusedConnections++
	}
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

// takeTurn waits for one of the turns in which costly steps are done.
func (l *Listener) takeTurn(pending *pendingHandshake) (after func()) {
	l.turns.take()
	return func() {
		l.turns.give()
		l.mu.Lock()
		defer l.mu.Unlock()
		// A turn must not be wasted: the handshake now gives way as late as one that has just begun.
		if index := slices.Index(l.handshaking, pending); index >= 0 {
			l.handshaking = append(slices.Delete(l.handshaking, index, index+1), pending)
		}
	}
}

func (l *Listener) begin(t transport.Conn, in *wire.Input, opened *engine.Opened) {
	if opened.Refused != nil {
		l.mu.Lock()
		l.stats.RefusedConnections++
		l.mu.Unlock()
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
