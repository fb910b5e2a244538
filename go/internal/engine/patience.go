package engine

import "math"

// Never is a time that does not come.
const Never = math.MaxInt64

// patienceSteps is how often a slow peer gets its time again, and so how many times that it gets at the most.
const patienceSteps = 10

// Patience is how long to wait for a peer that has an amount to take, or to bring: the same time for each tenth of it, and no
// more than ten times that. A peer that moves a byte now and then would otherwise be waited for as long as it likes.
//
// Source: spec/protocol.md, "Slow peers".
type Patience struct {
	stepMs, step, end, at int64
	// goal: the time starts again when no more than this is left.
	goal int64
}

// NewPatience begins to wait for amount, with stepMs for each tenth of it.
func NewPatience(stepMs, amount, now int64) *Patience {
	p := &Patience{stepMs: stepMs, step: (amount + patienceSteps - 1) / patienceSteps, end: now + patienceSteps*stepMs, at: now + stepMs}
	p.setGoal(amount)
	return p
}

// At is when it is over.
func (p *Patience) At() int64 { return p.at }

// Left is told that so much is left.
func (p *Patience) Left(amount, now int64) {
	if amount > p.goal {
		return
	}
	p.setGoal(amount)
	p.at = min(now+p.stepMs, p.end)
}

// extend: a while has passed in which the peer could do nothing.
func (p *Patience) extend(ms int64) {
	p.at += ms
	p.end += ms
}

func (p *Patience) setGoal(amount int64) {
	// With nothing left there is no goal any more.
	p.goal = -1
	if amount > 0 {
		p.goal = max(0, amount-p.step)
	}
}
