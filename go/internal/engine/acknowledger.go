package engine

import (
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

// acknowledgeAfterMs: what was consumed is told after so long at the latest.
const acknowledgeAfterMs = 20

// acknowledger decides when to tell the peer what was consumed. Source: spec/protocol.md, "Lanes".
type acknowledger struct {
	session *session.Session
	at      int64
	// asked: the peer waits for what we have received to be consumed.
	asked, isLate bool
}

// isDue: there is news, and it is worth a record of its own.
func (a *acknowledger) isDue() bool {
	if !a.session.HasNews() {
		return false
	}
	return a.isLate || a.session.HasUrgentNews() || a.asked && a.session.AllConsumed()
}

// notice: something may have been consumed.
func (a *acknowledger) notice(now int64) {
	if a.at == Never && a.session.HasNews() {
		a.at = now + acknowledgeAfterMs
	}
}

func (a *acknowledger) handleTimeout(now int64) {
	if now >= a.at {
		a.isLate, a.at = true, Never
	}
}

// appendFrame tells all there is, to go with what else is sent.
func (a *acknowledger) appendFrame(record []byte) []byte {
	if !a.session.HasNews() {
		return record
	}
	if a.session.AllConsumed() {
		a.asked = false
	}
	a.at, a.isLate = Never, false
	return wire.AppendAcknowledge(record, a.session.Acknowledge())
}
