package engine

import "sealpipe/internal/session"

// wait is how long the peer has for a body, and since when this end's window holds it up.
type wait struct {
	patience  *Patience
	held      bool
	heldSince int64
}

// bodyDeadlines are the deadlines of the large bodies that the peer has begun. The time in which a lane's window
// holds the peer up does not count. Source: spec/protocol.md, "Large bodies" and "Slow peers".
type bodyDeadlines struct {
	session   *session.Session
	timeoutMs int64
	waits     map[*session.IncomingBody]*wait
	next      int64
	// isHeld: a window holds up some bodies, so that their deadlines also depend on the application.
	isHeld bool
}

// notice is called when bodies may have begun, gone on or ended, or a window may have opened or closed.
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

// clear drops all deadlines.
func (d *bodyDeadlines) clear() { d.waits, d.next, d.isHeld = nil, Never, false }
