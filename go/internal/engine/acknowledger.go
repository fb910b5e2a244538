package engine

import (
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

// acknowledgeAfterMs: everything consumed is acknowledged after this time at the latest.
const acknowledgeAfterMs = 20

// acknowledger decides when to acknowledge what was consumed. Source: spec/protocol.md, "Lanes".
type acknowledger struct {
	session *session.Session
	at      int64
	// asked: the peer asks for an acknowledgement once everything received is consumed.
	asked, isLate bool
}

// isDue reports whether there is enough to acknowledge for a record of its own.
func (a *acknowledger) isDue() bool {
	if !a.session.HasNews() {
		return false
	}
	return a.isLate || a.session.HasUrgentNews() || a.asked && a.session.AllConsumed()
}

// mustNotice reports whether notice, now, has something to notice.
func (a *acknowledger) mustNotice() bool { return a.at == Never && a.session.HasNews() }

// notice is called when something may have been consumed.
func (a *acknowledger) notice(now int64) {
	if a.mustNotice() {
		a.at = now + acknowledgeAfterMs
	}
}

func (a *acknowledger) handleTimeout(now int64) {
	if now >= a.at {
		a.isLate, a.at = true, Never
	}
}

// appendFrame acknowledges everything consumed, in a record that is sent anyway.
func (a *acknowledger) appendFrame(record []byte) []byte {
	if !a.session.HasNews() {
		return record
	}
	if a.session.AllConsumed() {
		a.asked = false
	}
	a.at, a.isLate = Never, false
	return wire.AppendAcknowledge(record, a.session.Acknowledge(), a.session.Lanes())
}
