package engine

import "math"

// Never is a time that does not come.
const Never = math.MaxInt64

// patienceSteps is how often a slow peer's time starts again, and how many times that time it gets at most.
const patienceSteps = 10

// Patience is how long to wait for a peer that has an amount to receive, or to send: the same time for each tenth of
// it, and at most ten times that. Otherwise a peer that moves a byte now and then could make this end wait without
// limit.
//
// Source: spec/protocol.md, "Slow peers".
type Patience struct {
	stepMs, step, end, at int64
	// goal: the time starts again when at most this amount is left.
	goal int64
}

// NewPatience begins to wait for amount, with stepMs for each tenth of it.
func NewPatience(stepMs, amount, now int64) *Patience {
	p := &Patience{stepMs: stepMs, step: (amount + patienceSteps - 1) / patienceSteps, end: now + patienceSteps*stepMs, at: now + stepMs}
	p.setGoal(amount)
	return p
}

// At is when the wait ends.
func (p *Patience) At() int64 { return p.at }

// Left is called when amount is left.
func (p *Patience) Left(amount, now int64) {
	if amount > p.goal {
		return
	}
	p.setGoal(amount)
	p.at = min(now+p.stepMs, p.end)
}

// extend extends the wait by a time in which the peer could do nothing.
func (p *Patience) extend(ms int64) {
	p.at += ms
	p.end += ms
}

func (p *Patience) setGoal(amount int64) {
	// With nothing left there is no further goal.
	p.goal = -1
	if amount > 0 {
		p.goal = max(0, amount-p.step)
	}
}
