package sealpipe

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"syscall"
	"time"

	"sealpipe/internal/engine"
	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

// Dial connects to the listener with that name. It waits for a listener that is not there yet, until the context ends
// or ConnectTimeout passes. The context only bounds connecting: a connection ends with Close. Nil options are the
// defaults.
func Dial(ctx context.Context, name string, options *Options) (*Conn, error) {
	config, address, err := prepare(name, options, wire.ClientSide)
	if err != nil {
		return nil, err
	}
	client := &client{conn: newConn(config, wire.ClientSide, address), address: address, config: config}
	client.conn.setStatus(Connecting)
	if err := client.establish(ctx); err != nil {
		client.fail(err)
		return nil, err
	}
	go client.stayConnected()
	return client.conn, nil
}

// client keeps a Conn connected.
type client struct {
	conn    *Conn
	config  *config
	address transport.Address
}

// stayConnected replaces each lost connection, until the client is closed or another try makes no sense.
func (c *client) stayConnected() {
	for {
		c.conn.mu.Lock()
		last := c.conn.last
		c.conn.mu.Unlock()
		<-last.released
		if c.conn.context.Err() != nil {
			return
		}
		delay := c.config.RetryDelay
		if !c.pause(c.conn.context, &delay) {
			return
		}
		if err := c.establish(c.conn.context); err != nil {
			c.fail(err)
			return
		}
	}
}

// pause waits for a random part of the delay, so that clients which lost the same server do not come back at the same
// instant, and doubles it for the next time.
func (c *client) pause(ctx context.Context, delay *time.Duration) bool {
	timer := time.NewTimer(*delay - rand.N(*delay/2+1))
	defer timer.Stop()
	*delay = min(2*(*delay), c.config.MaxRetryDelay)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *client) fail(err error) {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	status := Failed
	if errors.Is(err, fault.ConnectTimeout) {
		status = Timeout
	}
	c.conn.end(status, err)
	c.conn.finish()
}

// establish tries until a connection is open, the time is over, or another try makes no sense.
func (c *client) establish(ctx context.Context) error {
	var last error
	over := ctx
	if c.config.ConnectTimeout > 0 {
		timed, cancel := context.WithTimeout(ctx, c.config.ConnectTimeout)
		defer cancel()
		over = timed
	}
	delay := c.config.RetryDelay
	for {
		err := c.tryOnce(over)
		if err == nil {
			return nil
		}
		if over.Err() == nil && !isPassing(err) {
			return err
		}
		if over.Err() == nil {
			last = err
			c.report(err)
			if errors.Is(err, syscall.EAGAIN) {
				// A server is there, and more clients than the system lets wait: one that waits longer and longer would never get
				// in.
				delay = c.config.RetryDelay
			}
		}
		if over.Err() != nil || !c.pause(over, &delay) {
			return c.givenUp(ctx, last)
		}
	}
}

func (c *client) givenUp(ctx context.Context, last error) error {
	if ctx.Err() == nil {
		return fault.Wrap(fault.ConnectTimeout, last, "no server was reached at %s within %v", c.address.Path, c.config.ConnectTimeout)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.Wrap(fault.ConnectTimeout, errors.Join(ctx.Err(), last), "no server was reached at %s in time", c.address.Path)
	}
	return context.Cause(ctx)
}

// report reports a failed try, unless merely no server is there: the client waits for that.
func (c *client) report(err error) {
	if errors.Is(err, fault.ConnectFailed) {
		return
	}
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	c.conn.tell(err)
}

// tryOnce connects and completes the handshake. If the context ends meanwhile, the handshake still has a moment to
// finish, and the connection is then closed in order.
func (c *client) tryOnce(ctx context.Context) error {
	t, err := transport.Dial(ctx, c.address)
	if err != nil {
		return err
	}
	s := &shaking{transport: t, in: &wire.Input{}, handshake: engine.NewHandshake(c.config.handshakeOptions(wire.ClientSide, c.ticket()))}
	type result struct {
		opened *engine.Opened
		err    error
	}
	done := make(chan result, 1)
	go func() {
		opened, err := s.do(c.config.HandshakeTimeout)
		done <- result{opened, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			_ = t.Close()
			return r.err
		}
		return c.takeOver(t, s.in, r.opened)
	case <-ctx.Done():
		_ = t.SetDeadline(time.Now().Add(engine.HandshakeGraceMs * time.Millisecond))
		go func() {
			if r := <-done; r.err != nil {
				_ = t.Close()
			} else {
				leave(c.config, wire.ClientSide, c.address, t, s.in, r.opened)
			}
		}()
		return ctx.Err()
	}
}

// ticket resumes the session that the client had, if that is possible.
func (c *client) ticket() *engine.Ticket {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	return engine.TicketOf(c.conn.session)
}

func (c *client) takeOver(t transport.Conn, in *wire.Input, opened *engine.Opened) error {
	if opened.Refused != nil {
		// In order, because the peer has done nothing wrong.
		leave(c.config, wire.ClientSide, c.address, t, in, opened)
		return opened.Refused
	}
	conn := c.conn
	conn.mu.Lock()
	defer conn.mu.Unlock()
	if conn.over || conn.closedHere {
		go leave(c.config, wire.ClientSide, c.address, t, in, opened)
		return fault.New(fault.Closed, "the connection is closed")
	}
	sess := conn.session
	if opened.Resumed {
		if err := sess.Rewind(opened.Hello); err != nil {
			_ = t.Close()
			return err
		}
		sess.Attach(opened.Hello, sess.Identity())
	} else {
		sess = conn.newSession(opened)
	}
	conn.attach(newLink(conn, t, in, opened, sess), opened, sess)
	return nil
}

// newSession is the session of a native connection that resumes none; nil for a classic connection.
func (c *Conn) newSession(opened *engine.Opened) *session.Session {
	if opened.Profile != ProfileNative {
		return nil
	}
	sess := session.New(c.config.sessionLimits(c.role), opened.Hello.Features())
	sess.Attach(opened.Hello, opened.Identity)
	return sess
}

// isPassing reports whether another try may succeed: the server is not up yet, is busy, or was just ending.
func isPassing(err error) bool {
	if errors.Is(err, fault.HandshakeTimeout) || errors.Is(err, fault.ConnectionLost) {
		return true
	}
	if !errors.Is(err, fault.ConnectFailed) {
		return false
	}
	for _, passing := range []error{
		fs.ErrNotExist, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EAGAIN, syscall.EBUSY, syscall.EPIPE,
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EINTR, context.DeadlineExceeded,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return isPassingPipe(err)
}
