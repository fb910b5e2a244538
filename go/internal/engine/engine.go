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
	// HandshakeGraceMs is how long a close during the handshake waits for the handshake to end.
	HandshakeGraceMs = 1_000
	// settleMs is how soon after the handshake a client may end the connection: if a client leaves right after its
	// confirmation, a golang-ipc server considers itself connected for ever, and ignores all other clients.
	settleMs = 20
)

// Clock says the time, in milliseconds.
type Clock = func() int64

// Limits are the limits that a connection enforces on its peer, besides sizes.
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

// profile encodes and decodes what two ends send each other once the handshake is over.
type profile interface {
	begin(unit []byte)
	next(event *session.Event) (verdict, error)
	unitsRead(now int64)
	heard(now int64)
	hasOutput() bool
	appendOutput(dst []byte) []byte
	outputLeft()
	// outputEnded reports, after a close, whether nothing more will be added to the output.
	outputEnded() bool
	queuedBytes() int64
	unsentBytes() int64
	// listensToTheEnd: after a close the peer still reports when it has received everything and is done, too.
	listensToTheEnd() bool
	// isSpent: the key has sealed as many payloads as it may.
	isSpent() bool
	close()
	finish(orderly bool)
	nextTimeout() int64
	handleTimeout(now int64) error
}

// Receiver splits what arrives into opened units. Only the reading goroutine uses it, without a lock.
type Receiver interface {
	// Next returns the next unit, valid until the next call of in.Space, or nil until all of it is there.
	Next(in *wire.Input) ([]byte, error)
	Wipe()
}

// Sealer seals the result of AppendOutput in place. Only the writing goroutine uses it, without a lock.
type Sealer interface {
	Seal(units []byte)
	Wipe()
}

// Engine is the state of one connection after its handshake. Its driver holds a lock around every call:
//
//	reading: Heard, then for each unit of the Receiver Receive, NextEvent until there is none; then UnitsRead.
//	writing: AppendOutput; without the lock Seal and write; OutputLeft. The end comes with OutputEnded.
//	time:    HandleTimeout at NextTimeout, which any call may have changed.
//
// It never fails because of a peer: Closed reports that it is over, and Err why.
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

// New continues where a handshake has ended. Only a native connection has a session.
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

// State is the present state of the connection.
func (e *Engine) State() State { return e.state }

// Closed reports whether the connection is over. Err is why; nil if the end was orderly.
func (e *Engine) Closed() bool { return e.state == Closed }
func (e *Engine) Err() error   { return e.err }

// RoundTripMs is how long the peer took to answer the last ping; 0 before the first, and on the classic profile.
func (e *Engine) RoundTripMs() int64 {
	if e.native == nil {
		return 0
	}
	return e.native.keepalive.roundTripMs
}

// IsNative reports whether the profile is native: then a session that can be resumed outlives the connection.
func (e *Engine) IsNative() bool { return e.native != nil }

// QueuedBytes is the number of bytes that were sent and have not left or, natively, are not consumed by the peer.
func (e *Engine) QueuedBytes() int64 { return e.profile.queuedBytes() }

// UnsentBytes is the number of bytes that have not left.
func (e *Engine) UnsentBytes() int64 { return e.profile.unsentBytes() }

// Discards reports whether everything that arrives is to be dropped unread.
func (e *Engine) Discards() bool {
	return e.state == Closed || e.state == Closing && !e.profile.listensToTheEnd()
}

// Heard is called when bytes have arrived.
func (e *Engine) Heard(now int64) { e.profile.heard(now) }

// Receive processes the next opened unit, which must stay valid until NextEvent has no event, or the error in it.
func (e *Engine) Receive(unit []byte, err error) {
	if e.Discards() {
		e.move(discard)
		return
	}
	if err != nil {
		e.finish(faulty, err)
		return
	}
	// A unit was completed: the remaining bytes began after it.
	if e.timer == frameTimer {
		e.stopTimer()
	}
	e.profile.begin(unit)
}

// NextEvent returns the next event of the received unit.
func (e *Engine) NextEvent(event *session.Event, now int64) bool {
	for !e.Discards() {
		found, err := e.profile.next(event)
		switch {
		case err != nil:
			e.finish(faulty, err)
		case found == peerClosed:
			// What this end had sent has been consumed, or is not needed.
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

// drop: what arrives after a close of this end is dropped, and not acknowledged.
func (e *Engine) drop(event *session.Event) { *event = session.Event{} }

// UnitsRead is called when all complete units that have arrived are read; partial: a part of another has arrived.
func (e *Engine) UnitsRead(partial bool, now int64) {
	if e.Discards() {
		return
	}
	e.profile.unitsRead(now)
	if partial && e.timer == noTimer {
		e.setTimer(frameTimer, now+e.limits.FrameTimeoutMs)
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

// AskForAcknowledgement asks the peer to acknowledge soon what it has consumed, if the profile has acknowledgements.
func (e *Engine) AskForAcknowledgement() {
	if e.native != nil && e.native.session.QueuedBytes() > 0 {
		e.native.asks = true
	}
}

// Consumed is called when the application has consumed something of the session. Here and in the calls below the clock is read
// only if the time matters: for a small message it costs as much as everything else.
func (e *Engine) Consumed(clock Clock) {
	if e.native != nil && e.state == Open {
		e.native.consumed(clock)
	}
}

// MustAcknowledge reports whether enough is consumed for an acknowledgement that nothing else waits for.
func (e *Engine) MustAcknowledge() bool {
	return e.native != nil && !e.native.closeSent && e.native.acknowledger.isDue()
}

// HasOutput reports whether AppendOutput would append something.
func (e *Engine) HasOutput() bool { return e.profile.hasOutput() }

// AppendOutput appends the units of the next write, to be sealed.
func (e *Engine) AppendOutput(dst []byte, clock Clock) []byte {
	dst = e.profile.appendOutput(dst)
	if e.state == Closing {
		e.closeProgressed(clock())
	}
	return dst
}

// OutputLeft is called when the system has what was appended last.
func (e *Engine) OutputLeft(clock Clock) {
	e.profile.outputLeft()
	if e.state == Closing {
		e.closeProgressed(clock())
	}
}

// OutputEnded reports whether nothing more will be added to the output. When all has left, end the transport's
// direction.
func (e *Engine) OutputEnded() bool {
	return e.isEnding() && e.timer != settleTimer && e.profile.outputEnded() && !e.profile.hasOutput()
}

func (e *Engine) move(in input) {
	// The one pair that is as frequent as messages needs no search in the table.
	if in != message || e.state != Open {
		e.state = e.state.next(in)
	}
}
