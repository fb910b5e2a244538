package sealpipe

import (
	"context"
	"errors"
	"iter"
	"time"

	"sealpipe/internal/fault"
	"sealpipe/internal/session"
)

// unread is a message of a session that waits to be read.
type unread struct {
	message  Message
	position int64
	session  *session.Session
}

// Read waits for the next message. After the connection is over it still returns messages that had arrived, unless
// this end closed it, and then Err. If the context ends, it returns the context's error, or ErrReadTimeout if that
// was a deadline, and no message is lost.
func (c *Conn) Read(ctx context.Context) (Message, error) {
	c.mu.Lock()
	waited := false
	for c.inbox.Len() == 0 {
		if c.over || c.closedHere {
			defer c.mu.Unlock()
			// Wakes the next waiting reader.
			c.signalReadable()
			return Message{}, c.closedError()
		}
		if !waited {
			c.returned()
			waited = true
		}
		if !c.waitForMessage(ctx) {
			c.mu.Unlock()
			return Message{}, waitError(ctx, fault.ReadTimeout, "no message came in time")
		}
	}
	next := c.inbox.Pop()
	c.answering = true
	c.consumed(&next)
	c.countKept()
	if c.inbox.Len() > 0 {
		c.signalReadable()
	}
	if waited {
		c.deliveredAt = c.clock
	}
	c.mu.Unlock()
	return next.message, nil
}

// returned is called when a reader has to wait: is it back soon after the last message for which it had to?
func (c *Conn) returned() {
	if time.Since(start)-c.deliveredAt < promptReturn {
		c.promptReturns++
		return
	}
	c.promptReturns = 0
	c.link.needsReader()
}

// waitForMessage returns when there may be a message, or false when the context has ended. It is called, and returns, with the
// lock.
func (c *Conn) waitForMessage(ctx context.Context) bool {
	c.answering = false
	if l := c.link; l != nil {
		if l.peerEnded {
			l.resumeReading()
		}
		if l.place.lent && !l.place.taken && ctx.Err() == nil {
			l.readHere(ctx)
			return true
		}
		// Two readers: the link's own goroutine reads for both.
		l.recall()
	}
	c.readers++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.readers--
	}()
	select {
	case <-c.readable:
		return true
	case <-ctx.Done():
		return false
	}
}

// waitError is the context's error, or an error with the given code if its deadline has passed.
func waitError(ctx context.Context, code fault.Code, what string) error {
	err := context.Cause(ctx)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.Wrap(code, err, "%s", what)
	}
	return err
}

// Messages ranges over the messages as they arrive. It ends when either end has closed the connection in order or the
// context ends; any other end yields an error, last.
func (c *Conn) Messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			message, err := c.Read(ctx)
			if err != nil && (errors.Is(err, fault.Closed) || ctx.Err() != nil) {
				return
			}
			if !yield(message, err) || err != nil {
				return
			}
		}
	}
}

func (c *Conn) signalReadable() {
	select {
	case c.readable <- struct{}{}:
	default:
	}
}

// consumed has the session acknowledge a message, and lets the reader of a classic connection go on.
func (c *Conn) consumed(next *unread) {
	c.inboxBytes -= len(next.message.Data) + unreadOverheadBytes
	if next.session != nil && next.session == c.session {
		c.session.ConsumeMessage(next.position)
		if c.link != nil {
			c.link.consumed()
		}
	}
	if c.link != nil && c.link.paused && !c.mustPause(c.link) {
		c.link.resumeReading()
	}
}

// mustPause reports whether a classic peer has to wait, because too much waits to be read.
func (c *Conn) mustPause(l *link) bool {
	return !l.engine.IsNative() && c.inboxBytes > c.config.MaxQueuedBytes && !c.closedHere
}
