package engine

func (e *Engine) isEnding() bool { return e.state == Closing || e.state == Closed }

// ReceiveEnd: the peer will send no more, because it ended the transport or, with a cause, because that failed.
// partial: the end came within a unit.
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
		// A peer that is done sends a close, so this is a lost connection, unless this end has sent one and the peer has
		// consumed everything.
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

// Close ends the connection in order: what was sent leaves first.
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

// awaitPeer starts the peer's time for what was written before the close.
func (e *Engine) awaitPeer(now int64) {
	e.patience = NewPatience(e.limits.CloseTimeoutMs, e.profile.queuedBytes(), now)
	e.setTimer(closeTimer, e.patience.At())
	e.closeProgressed(now)
}

// closeProgressed: a peer that still accepts what was written before the close, and not too slowly, does not hang.
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

// closeIfSpent closes in order, so that what was sent leaves first. A new connection agrees on another key.
func (e *Engine) closeIfSpent(now int64) {
	if e.profile.isSpent() && e.state == Open {
		e.refused = keyExhausted()
		e.Close(now)
	}
}

// Abandon is called when this end has dropped the transport.
func (e *Engine) Abandon() {
	e.finish(end, nil)
	e.profile.finish(false)
}

func (e *Engine) finish(in input, err error) {
	if e.state == Closed {
		return
	}
	e.move(in)
	e.stopTimer()
	// A peer that ended its side may still read what was sent to it; in any other case it gets no more. A native peer
	// that ended it without a close gets none from this end either: it may come back, and must not find its session
	// closed.
	e.profile.finish(in == end && (e.native == nil || err == nil))
	e.err = err
	if e.refused != nil {
		e.err = e.refused
	}
}
