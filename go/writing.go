package sealpipe

import (
	"context"
	"unicode/utf8"

	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

// Write queues a message; data is not used after it returns. It waits while MaxQueuedBytes are queued, until the peer
// has accepted some of them or the context ends, which is ErrQueueFull if that was a deadline. A nil error means that
// the message will leave in order, not that it has left; for that call Flush. While a client reconnects, messages
// wait for the connection, unless DisableOfflineQueue is set. On the classic wire the peer acknowledges nothing: a
// message that was on its way when the connection broke may or may not have arrived.
func (c *Conn) Write(ctx context.Context, msgType uint32, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := session.CheckMessage(msgType, len(data), c.config.MaxMessageBytes); err != nil {
		return err
	}
	for {
		if err := c.checkOpen(); err != nil {
			return err
		}
		if c.queuedMessageBytes() < int64(c.config.MaxQueuedBytes) {
			l := c.link
			prompt := l.takesPromptly(len(data))
			err := c.send(msgType, data)
			if err == nil {
				c.stats.Sent.count(data)
			}
			if prompt {
				l.promptly()
			}
			return err
		}
		if err := c.waitForRoom(ctx); err != nil {
			return err
		}
	}
}

// WriteText writes text. One that is not UTF-8 is refused with ErrInvalidArgument.
func (c *Conn) WriteText(ctx context.Context, msgType uint32, text string) error {
	if err := checkText(text); err != nil {
		return err
	}
	return c.Write(ctx, msgType, []byte(text))
}

// checkText refuses what would arrive as another text. Source: spec/protocol.md, "Text".
func checkText(text string) error {
	if !utf8.ValidString(text) {
		return fault.New(fault.InvalidArgument, "the text is not UTF-8; to send bytes, use Write")
	}
	return nil
}

func (c *Conn) checkOpen() error {
	if c.over || c.closedHere {
		return c.closedError()
	}
	if c.link == nil && c.config.DisableOfflineQueue && c.role == wire.ClientSide {
		return fault.New(fault.NotConnected, "the client is not connected, and DisableOfflineQueue is set")
	}
	return nil
}

// waitForRoom is called, and returns, with the lock.
func (c *Conn) waitForRoom(ctx context.Context) error {
	c.link.needsReader()
	wait := make(chan struct{})
	c.roomWaits = append(c.roomWaits, wait)
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-wait:
		return nil
	case <-ctx.Done():
		return waitError(ctx, fault.QueueFull, "the peer did not take what was written in time")
	}
}

// send queues a message in the present session or link.
func (c *Conn) send(msgType uint32, data []byte) error {
	if c.link != nil && !c.link.engine.IsNative() {
		err := c.link.engine.SendClassic(msgType, data, now())
		c.link.progressed()
		return err
	}
	if err := c.sendable().SendMessage(msgType, data); err != nil {
		return err
	}
	c.sent()
	return nil
}

// sendable is the session to send in: without a connection, the one in which a client's messages wait.
func (c *Conn) sendable() *session.Session {
	if c.session == nil {
		c.session = session.New(c.config.sessionLimits(c.role), 0)
	}
	return c.session
}

func (c *Conn) sent() {
	if c.link != nil {
		c.link.progressed()
	} else if c.listener != nil {
		c.listener.keeps(c)
	}
}

// Flush waits until everything written has left this process or, natively, was read by the peer's application. Only
// an answer of its own shows that a classic peer has read it.
func (c *Conn) Flush(ctx context.Context) error {
	c.mu.Lock()
	if c.over {
		defer c.mu.Unlock()
		return c.closedError()
	}
	if c.queuedBytes() == 0 {
		c.mu.Unlock()
		return nil
	}
	if c.link != nil {
		c.link.engine.AskForAcknowledgement()
		c.link.progressed()
		c.link.needsReader()
	}
	wait := make(chan error, 1)
	c.flushWaits = append(c.flushWaits, wait)
	c.mu.Unlock()
	select {
	case err := <-wait:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// outputLeft is called when output has left, or the peer has acknowledged something.
func (c *Conn) outputLeft(*link) { c.checkWaits() }

// checkWaits wakes callers that wait for room, or for an empty queue.
func (c *Conn) checkWaits() {
	if len(c.roomWaits) > 0 && (c.over || c.closedHere || c.queuedMessageBytes() < int64(c.config.MaxQueuedBytes)) {
		for _, wait := range c.roomWaits {
			close(wait)
		}
		c.roomWaits = nil
	}
	if len(c.flushWaits) > 0 && c.queuedBytes() == 0 {
		c.settleFlushes(nil)
	}
	if c.session != nil && c.session.QueuedStreamBytes() < int64(c.config.MaxQueuedBytes) {
		c.streams.room.fire()
	}
	c.startHandlers()
}

func (c *Conn) settleFlushes(err error) {
	for _, wait := range c.flushWaits {
		wait <- err
	}
	c.flushWaits = nil
}
