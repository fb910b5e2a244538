package engine

import "sealpipe/internal/session"

// wait is how long the peer has for a body, and since when our window keeps it from going on.
type wait struct {
	patience  *Patience
	held      bool
	heldSince int64
}

// bodyDeadlines are until when the peer has to go on with the large bodies that it has begun. The time in which a lane's
// window keeps it from that does not count. Source: spec/protocol.md, "Large bodies" and "Slow peers".
type bodyDeadlines struct {
	session   *session.Session
	timeoutMs int64
	waits     map[*session.IncomingBody]*wait
	next      int64
	// isHeld: our window holds up some of them, so that the application has to do with when it is over.
	isHeld bool
}

// notice: bodies may have begun, gone on or ended, or a window have opened or closed.
func (d *bodyDeadlines) notice(now int64) {
	if len(d.waits) == 0 && !d.session.HasBodies() {
		return
	}
	before := d.waits
	d.waits, d.next, d.isHeld = map[*session.IncomingBody]*wait{}, Never, false
	d.session.EachBody(func(body *session.IncomingBody, held bool) {
		left := int64(body.Missing())
		w := before[body]
		if w == nil {
			w = &wait{patience: NewPatience(d.timeoutMs, left, now)}
		}
		if w.held {
			w.patience.extend(now - w.heldSince)
		}
		w.held, w.heldSince = held, now
		w.patience.Left(left, now)
		d.waits[body] = w
		if held {
			d.isHeld = true
		} else {
			d.next = min(d.next, w.patience.At())
		}
	})
}

// clear: nothing more is waited for.
func (d *bodyDeadlines) clear() { d.waits, d.next, d.isHeld = nil, Never, false }
