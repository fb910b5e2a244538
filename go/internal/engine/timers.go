package engine

// timer is the purpose of a deadline.
type timer int

const (
	noTimer timer = iota
	frameTimer
	settleTimer
	closeTimer
	endGraceTimer
)

// NextTimeout is when to call HandleTimeout; Never if there is nothing to wait for.
func (e *Engine) NextTimeout() int64 {
	if e.state == Closed {
		return Never
	}
	return min(e.deadline, e.profile.nextTimeout())
}

// HandleTimeout ends the connection if a deadline has passed. A call that is too early does nothing.
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
