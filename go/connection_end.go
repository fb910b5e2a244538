package sealpipe

import (
	"errors"

	"sealpipe/internal/engine"
	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

// carry takes over the leftovers of an earlier session: what was not sent is sent now, and what may have arrived is
// reported. ended is why the peer ended that session, if known.
func (c *Conn) carry(before *session.Session, ended error) {
	c.tell(ended)
	hadIdentity := before.Identity() != nil
	left := before.Abandon()
	for _, message := range left.Unsent {
		if err := c.send(message.Type, message.Data); err != nil {
			c.stats.DroppedMessages++
			c.tell(err)
		}
	}
	c.stats.LostMessages += int64(len(left.Unacknowledged))
	c.requestsLost(sessionLost(ended), left.UnsentRequests)
	c.tellLost(left.Unacknowledged, c.streamsLost(sessionLost(ended)), hadIdentity)
	if hadIdentity && len(left.Unacknowledged) > 0 {
		c.settleFlushes(sessionLost(ended))
	}
}

func sessionLost(cause error) error {
	return fault.Wrap(fault.SessionLost, cause, "the peer no longer knows the session: what was under way may have arrived or not")
}

// sessionEnded is why the server ended the session that this end wanted to resume, if known.
func sessionEnded(opened *engine.Opened) error {
	if opened.Hello == nil || opened.Hello.Offers == nil {
		return nil
	}
	switch code := opened.Hello.Offers.SessionEnded; code {
	case "":
		return nil
	case string(fault.FellBehind):
		return fault.New(fault.FellBehind, "the server had dropped this client and its session, as too much waited that this client did not read")
	default:
		return fault.New(fault.SessionLost, "the server had ended the session, with %s", code)
	}
}

// isResumable reports whether the connection broke, hung, or was tampered with, and the peer itself did nothing
// wrong.
func isResumable(err error) bool {
	return errors.Is(err, fault.ConnectionLost) || errors.Is(err, fault.KeepaliveTimeout) ||
		errors.Is(err, fault.FrameTimeout) || errors.Is(err, fault.DecryptionFailed)
}

// linkEnded is called when the engine of the link has closed, with the lock.
func (c *Conn) linkEnded(l *link) {
	if c.link != l {
		return
	}
	err := l.engine.Err()
	c.link = nil
	c.idle.fire()
	mayResume := !c.closedHere && isResumable(err) && c.session != nil && c.session.Identity() != nil
	switch {
	case c.closedHere:
		c.end(Closed, err)
	case c.role == wire.ClientSide:
		c.clientLost(err, mayResume)
	case mayResume:
		c.setStatus(Reconnecting)
		c.tell(err)
		c.listener.detached(c)
	case err != nil:
		c.tell(err)
		c.end(Failed, err)
	default:
		c.end(Disconnected, nil)
	}
}

// clientLost has a client try again; its session waits if it can be resumed, and otherwise is over.
func (c *Conn) clientLost(err error, mayResume bool) {
	c.setStatus(Reconnecting)
	c.tell(err)
	if !mayResume {
		if before := c.session; before != nil {
			c.session = nil
			c.carry(before, nil)
		} else {
			c.settleFlushes(fault.Wrap(fault.ConnectionLost, err, "the connection was lost before everything written had left"))
			c.requestsLost(sessionLost(nil), nil)
		}
	}
	c.checkWaits()
}

// end is called when the connection is over for good, with the lock.
func (c *Conn) end(status Status, err error) {
	if c.over {
		return
	}
	c.over = true
	c.err = err
	reason := c.closedError()
	streams := c.streamsLost(reason)
	if c.session != nil {
		// A peer that has closed needs nothing more, and a peer that this end leaves has been notified.
		left := c.session.Abandon()
		c.stats.DroppedMessages += int64(len(left.Unsent))
		c.stats.LostMessages += int64(len(left.Unacknowledged))
		if err != nil && !c.closedHere {
			c.tellLost(left.Unacknowledged, streams, false)
		}
		c.session = nil
	}
	c.requestsLost(reason, nil)
	c.settleFlushes(reason)
	c.checkWaits()
	c.signalReadable()
	c.setStatus(status)
	c.cancel()
	if c.listener != nil {
		c.listener.ended(c)
	}
	if c.link == nil && (c.last == nil || isClosed(c.last.released)) {
		c.finish()
	}
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// released is called when the goroutines and the transport of a link are gone.
func (c *Conn) released(l *link) {
	if c.over && c.last == l {
		c.finish()
	}
}

// keeps reports whether the connection, which is over, holds messages that nobody has read, or was not accepted.
func (c *Conn) keeps() bool { return c.inbox.Len() > 0 || !c.accepted }

// countKept is called when the connection may keep nothing any more.
func (c *Conn) countKept() {
	if c.stopCounting != nil && !c.keeps() {
		c.stopCounting()
		c.stopCounting = nil
	}
}

func (c *Conn) dropUnread() {
	c.inbox.Clear()
	c.inboxBytes = 0
	c.accepted = true
	c.countKept()
}

func (c *Conn) finish() {
	if !isClosed(c.done) {
		close(c.done)
		if c.listener != nil && c.keeps() {
			c.listener.count(c)
		}
	}
}

// Close ends the connection in order: what was written is sent first, and unread messages are dropped. It waits until
// the connection is closed: the peer has CloseTimeout to accept each tenth of what was written, and ten times that in
// all. A client that waits for its server drops its waiting messages; call Flush first to wait for the server. The
// error is why not everything has left, if so.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.dropUnread()
	if !c.over && !c.closedHere {
		c.closedHere = true
		c.setStatus(Closing)
		c.signalReadable()
		c.cancel()
		c.streamsLost(c.closedError())
		if c.link == nil {
			c.end(Closed, nil)
		} else {
			c.link.engine.Close(now())
			c.link.resumeReading()
			c.link.recall()
			c.link.progressed()
		}
		c.checkWaits()
	}
	c.mu.Unlock()
	<-c.done
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closedHere {
		return c.err
	}
	return nil
}

// Destroy drops the connection at once, and everything queued with it. Pending calls fail with err, or with ErrClosed
// if that is nil.
func (c *Conn) Destroy(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closedHere = true
	c.dropUnread()
	status := Closed
	if err != nil {
		status = Failed
	}
	c.dropLink()
	c.end(status, err)
}

// dropLink drops the present connection, if there is one; the session stays.
func (c *Conn) dropLink() {
	if l := c.link; l != nil {
		c.link = nil
		l.drop()
	}
}
