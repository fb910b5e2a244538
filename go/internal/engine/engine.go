package engine

import (
	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

const (
	// EndGraceMs is how long a close waits, once everything has left, for the peer to end its side: golang-ipc v1.0.0's
	// server never does.
	EndGraceMs = 250
	// HandshakeGraceMs is how long a close in the middle of the handshake waits for the handshake to be over.
	HandshakeGraceMs = 1_000
	// settleMs is how long after the handshake a client may end the connection at the earliest: a golang-ipc server whose
	// client is gone in the instant in which it confirms takes itself for connected, and ignores everyone, for ever.
	settleMs = 20
)

// Limits are what a connection holds its peer to, besides the sizes.
type Limits struct {
	MaxMessageBytes                int
	FrameTimeoutMs, CloseTimeoutMs int64
	Keepalive                      KeepaliveLimits
}

type verdict int

const (
	nothing verdict = iota
	something
	peerClosed
)

// profile is how what two ends say stands on the wire once the handshake is over.
type profile interface {
	begin(unit []byte)
	next(event *session.Event) (verdict, error)
	unitsRead(now int64)
	heard(now int64)
	hasOutput() bool
	appendOutput(dst []byte) []byte
	outputLeft()
	// outputEnded, after a close: nothing will be added to the output any more.
	outputEnded() bool
	queuedBytes() int64
	unsentBytes() int64
	// listensToTheEnd: after a close the peer still says when it has all and is done too.
	listensToTheEnd() bool
	// isSpent: the key has sealed all that it may.
	isSpent() bool
	close()
	finish(orderly bool)
	nextTimeout() int64
	handleTimeout(now int64) error
}

// Receiver cuts what arrives into opened units: used by the reading goroutine alone, without a lock.
type Receiver interface {
	// Next gives the next unit, lent until the next call of in.Space, or nil until all of it is there.
	Next(in *wire.Input) ([]byte, error)
	Wipe()
}

// Sealer seals, in place, what AppendOutput has given: used by the writing goroutine alone, without a lock.
type Sealer interface {
	Seal(units []byte)
	Wipe()
}

// timer is what a deadline is for.
type timer int

const (
	noTimer timer = iota
	frameTimer
	settleTimer
	closeTimer
	endGraceTimer
)

// Engine is the state of one connection after its handshake. Whoever drives it holds a lock around every call:
//
//	reading: Heard, then for each unit of the Receiver Receive, NextEvent until there is none; then UnitsRead.
//	writing: AppendOutput; without the lock Seal and write; OutputLeft. The end comes with OutputEnded.
//	time:    HandleTimeout at NextTimeout, which any call may have changed.
//
// It never fails for what a peer does: Closed tells that it is over, and Err why.
type Engine struct {
	Receiver Receiver
	Sealer   Sealer

	client   bool
	limits   Limits
	state    State
	profile  profile
	classic  *classic
	native   *native
	deadline int64
	timer    timer
	patience *Patience
	openedAt int64

	refused    error
	allHasLeft bool
	peerEnded  bool
	err        error
}

// New begins where a handshake has ended. The session is that of a native connection.
func New(role wire.Side, opened *Opened, sess *session.Session, limits Limits, random func([]byte), now int64) *Engine {
	e := &Engine{client: role == wire.ClientSide, limits: limits, state: Open, deadline: Never, openedAt: now}
	if opened.Profile == Native {
		e.native = &native{
			session: sess, writer: opened.Writer,
			keepalive:    keepalive{limits: limits.Keepalive, heardAt: now},
			acknowledger: acknowledger{session: sess, at: Never},
			bodies:       bodyDeadlines{session: sess, timeoutMs: limits.FrameTimeoutMs, next: Never},
		}
		e.profile, e.Receiver, e.Sealer = e.native, nativeReceiver{opened.Reader}, opened.Writer
		// A body that was under way on an earlier connection has to go on.
		e.native.unitsRead(now)
	} else {
		e.classic = &classic{
			encrypted: opened.Encrypted, maxMessageBytes: limits.MaxMessageBytes,
			peerMaxMessageBytes: opened.PeerMaxMessageBytes, payloads: 1,
		}
		e.profile = e.classic
		e.Receiver = &classicReceiver{opened.Cipher, wire.ClassicBounds(opened.Encrypted, limits.MaxMessageBytes)}
		e.Sealer = &classicSealer{opened.Cipher, random}
	}
	if opened.Refused != nil {
		e.refused = opened.Refused
		e.Close(now)
	}
	return e
}

// State is where the connection stands.
func (e *Engine) State() State { return e.state }

// Closed: it is over. Err is why; nil if the end was orderly.
func (e *Engine) Closed() bool { return e.state == Closed }
func (e *Engine) Err() error   { return e.err }

// IsNative: the session goes on after the connection, if it can be resumed.
func (e *Engine) IsNative() bool { return e.native != nil }

// QueuedBytes were sent and are not done with: have not left or, natively, are not consumed by the peer.
func (e *Engine) QueuedBytes() int64 { return e.profile.queuedBytes() }

// UnsentBytes have not left.
func (e *Engine) UnsentBytes() int64 { return e.profile.unsentBytes() }

func (e *Engine) isEnding() bool { return e.state == Closing || e.state == Closed }

// Discards: nothing is read any more, and what arrives is to be dropped.
func (e *Engine) Discards() bool {
	return e.state == Closed || e.state == Closing && !e.profile.listensToTheEnd()
}

// Heard: bytes have come.
func (e *Engine) Heard(now int64) { e.profile.heard(now) }

// Receive is given the next opened unit, lent until NextEvent has no event, or what is wrong with it.
func (e *Engine) Receive(unit []byte, err error) {
	if e.Discards() {
		e.move(discard)
		return
	}
	if err != nil {
		e.finish(faulty, err)
		return
	}
	// A unit was completed: what is left began after it.
	if e.timer == frameTimer {
		e.stopTimer()
	}
	e.profile.begin(unit)
}

// NextEvent gives the next event of the unit that was received.
func (e *Engine) NextEvent(event *session.Event, now int64) bool {
	for !e.Discards() {
		found, err := e.profile.next(event)
		switch {
		case err != nil:
			e.finish(faulty, err)
		case found == peerClosed:
			// What we had sent has been consumed, or is not wanted.
			e.finish(end, nil)
		case found == nothing:
			e.closeIfSpent(now)
			return false
		case e.state == Closing:
			e.move(discard)
			e.drop(event)
			continue
		default:
			e.move(message)
			e.closeIfSpent(now)
			return true
		}
	}
	return false
}

// drop: what comes after our close is nobody's, and is not acknowledged.
func (e *Engine) drop(event *session.Event) { *event = session.Event{} }

// UnitsRead: all whole units that have come are read; partial says that there is more of another.
func (e *Engine) UnitsRead(partial bool, now int64) {
	if e.Discards() {
		return
	}
	e.profile.unitsRead(now)
	if partial && e.timer == noTimer {
		e.setTimer(frameTimer, now+e.limits.FrameTimeoutMs)
	}
}

// ReceiveEnd: the peer will send no more, because it ended the transport or, with a cause, because that failed. partial says
// whether the end came within a unit.
func (e *Engine) ReceiveEnd(cause error, partial bool) {
	e.peerEnded = true
	if e.state == Closed {
		return
	}
	if e.Discards() {
		// What was written before the close, and had not left when the transport failed, never will.
		if cause != nil && !e.allHasLeft {
			e.finish(end, connectionLost(cause, "before everything written had left"))
			return
		}
		e.finish(end, nil)
		return
	}
	e.finish(end, e.lossAtEnd(cause, partial))
}

func (e *Engine) lossAtEnd(cause error, partial bool) error {
	switch {
	case partial:
		return connectionLost(cause, "within a frame")
	case e.native != nil:
		// Who is done says so: this is none. Unless we have said it ourselves, and the peer has consumed all there was.
		if e.state == Closing && e.profile.queuedBytes() == 0 && e.profile.outputEnded() {
			return nil
		}
		return connectionLost(cause, "without a close")
	case cause != nil:
		return connectionLost(cause, "")
	default:
		return nil
	}
}

// CheckSend is an error once nothing more can be sent.
func (e *Engine) CheckSend() error {
	if e.isEnding() {
		return fault.New(fault.Closed, "the connection is closed")
	}
	return nil
}

// SendClassic queues a message of a classic connection.
func (e *Engine) SendClassic(msgType uint32, data []byte, now int64) error {
	if err := e.CheckSend(); err != nil {
		return err
	}
	if err := e.classic.send(msgType, data); err != nil {
		return err
	}
	e.closeIfSpent(now)
	return nil
}

// AskForAcknowledgement has the peer tell soon what it has consumed, if its profile has a word for that.
func (e *Engine) AskForAcknowledgement() {
	if e.native != nil && e.native.session.QueuedBytes() > 0 {
		e.native.asks = true
	}
}

// Consumed: the application has consumed something of the session.
func (e *Engine) Consumed(now int64) {
	if e.native != nil && e.state == Open {
		e.native.consumed(now)
	}
}

// HasOutput: AppendOutput would append something.
func (e *Engine) HasOutput() bool { return e.profile.hasOutput() }

// AppendOutput appends the units of the next write, to be sealed.
func (e *Engine) AppendOutput(dst []byte, now int64) []byte {
	dst = e.profile.appendOutput(dst)
	if e.state == Closing {
		e.closeProgressed(now)
	}
	return dst
}

// OutputLeft: what was appended last is with the system.
func (e *Engine) OutputLeft(now int64) {
	e.profile.outputLeft()
	if e.state == Closing {
		e.closeProgressed(now)
	}
}

// OutputEnded: nothing will be added to the output any more. When it has left, the transport's direction is to be ended.
func (e *Engine) OutputEnded() bool {
	return e.isEnding() && e.timer != settleTimer && e.profile.outputEnded() && !e.profile.hasOutput()
}

// Close ends the connection in order: what was sent goes out first.
func (e *Engine) Close(now int64) {
	already := e.isEnding()
	e.move(closeCall)
	if already {
		return
	}
	e.profile.close()
	if e.profile.listensToTheEnd() {
		e.awaitPeer(now)
		return
	}
	if e.peerEnded {
		e.finish(end, nil)
		return
	}
	if settledAt := e.openedAt + settleMs; e.client && now < settledAt {
		e.setTimer(settleTimer, settledAt)
		return
	}
	e.awaitPeer(now)
}

// awaitPeer: from now on the peer's time runs for what was written before the close.
func (e *Engine) awaitPeer(now int64) {
	e.patience = NewPatience(e.limits.CloseTimeoutMs, e.profile.queuedBytes(), now)
	e.setTimer(closeTimer, e.patience.At())
	e.closeProgressed(now)
}

// closeProgressed: a peer that still takes what was written before the close, and not too slowly, is not one that hangs.
func (e *Engine) closeProgressed(now int64) {
	if e.patience == nil || e.allHasLeft {
		return
	}
	if e.native == nil && e.profile.queuedBytes() == 0 {
		e.allHasLeft = true
		e.setTimer(endGraceTimer, now+min(e.limits.CloseTimeoutMs, EndGraceMs))
		return
	}
	e.patience.Left(e.profile.queuedBytes(), now)
	e.setTimer(closeTimer, e.patience.At())
}

// closeIfSpent: in order, so that what was sent goes out first. Whoever connects again agrees on another key.
func (e *Engine) closeIfSpent(now int64) {
	if e.profile.isSpent() && e.state == Open {
		e.refused = keyExhausted()
		e.Close(now)
	}
}

// Abandon: the transport is gone, for our own reasons.
func (e *Engine) Abandon() {
	e.finish(end, nil)
	e.profile.finish(false)
}

// NextTimeout is when to call HandleTimeout; Never if there is nothing to wait for.
func (e *Engine) NextTimeout() int64 {
	if e.state == Closed {
		return Never
	}
	return min(e.deadline, e.profile.nextTimeout())
}

// HandleTimeout ends the connection if a deadline has passed. Too early a call does nothing.
func (e *Engine) HandleTimeout(now int64) {
	if e.state != Closed && now >= e.deadline {
		e.timerPassed(now)
	}
	if e.state == Closed {
		return
	}
	if err := e.profile.handleTimeout(now); err != nil {
		e.finish(timeout, err)
	}
}

func (e *Engine) timerPassed(now int64) {
	passed := e.timer
	e.stopTimer()
	switch passed {
	case frameTimer:
		e.finish(timeout, frameTimeout(e.limits.FrameTimeoutMs))
	case settleTimer:
		e.awaitPeer(now)
	case closeTimer:
		e.finish(timeout, closeTimeout(e.limits.CloseTimeoutMs))
	case endGraceTimer:
		e.finish(timeout, nil)
	}
}

func (e *Engine) setTimer(which timer, at int64) { e.timer, e.deadline = which, at }

func (e *Engine) stopTimer() { e.timer, e.deadline = noTimer, Never }

func (e *Engine) move(in input) { e.state = e.state.next(in) }

func (e *Engine) finish(in input, err error) {
	if e.state == Closed {
		return
	}
	e.move(in)
	e.stopTimer()
	// A peer that ended its side may still read what was sent to it; another gets no more. A native one that ended it
	// without a close gets none from us either: one that comes back would find its session closed.
	e.profile.finish(in == end && (e.native == nil || err == nil))
	e.err = err
	if e.refused != nil {
		e.err = e.refused
	}
}
