package sealpipe

import (
	"context"
	"errors"
	"time"

	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

// Request is a request from the peer.
type Request struct {
	Type uint32
	Data []byte
	// Conn is the connection on which it arrived.
	Conn *Conn
	// memory is nil if it cannot be returned.
	memory *sessionMemory
}

// Release returns the memory of a large request, as Message.Release does. A handler that answers with a part of Data must not.
func (r *Request) Release() { release(&r.Data, &r.memory) }

// Handler answers requests of one type. Its context ends when nobody waits for the answer any more. If it fails, the
// peer gets the code, message and data of an *Error, see Fail, or ErrHandlerFailed with the error's text.
type Handler func(ctx context.Context, request *Request) ([]byte, error)

// Fail is an error for a handler to return, whose code (1 to 64 characters of A-Z 0-9 _) and message the peer gets. For data
// besides, up to 65536 bytes, return an &Error{Code: …, Message: …, Data: …}; a peer whose library does not know of them gets
// the rest.
func Fail(code Code, format string, args ...any) error { return fault.New(code, format, args...) }

// pendingRequests are the requests of this end.
type pendingRequests struct {
	ids     session.RequestIDs
	waiting map[uint32]*pendingRequest
	// timed is the one request that is timed, since timedAt.
	timed   *pendingRequest
	timedAt time.Time
}

type pendingRequest struct {
	// id is its id in the present session.
	id     uint32
	trace  *wire.TraceContext
	answer []byte
	err    error
	done   chan struct{}
}

// Request sends a request, and waits for its answer or until the context ends, which also ends the context of the
// peer's handler. If the handler fails, the error is an *Error with Remote set. While a client reconnects, requests
// wait for the connection, unless DisableOfflineQueue is set. A deadline that passes is ErrRequestTimeout.
func (c *Conn) Request(ctx context.Context, requestType uint32, data []byte) ([]byte, error) {
	return c.await(ctx, func() (*pendingRequest, error) { return c.ask(ctx, requestType, data) })
}

// await waits for the answer to the request that ask, which is called with the lock, has sent.
func (c *Conn) await(ctx context.Context, ask func() (*pendingRequest, error)) ([]byte, error) {
	c.mu.Lock()
	pending, err := ask()
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case <-pending.done:
		return pending.answer, pending.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if isClosed(pending.done) {
		return pending.answer, pending.err
	}
	delete(c.requests.waiting, pending.id)
	c.requests.timedOver(pending)
	err = waitError(ctx, fault.RequestTimeout, "the request was not answered in time")
	if errors.Is(err, fault.RequestTimeout) {
		c.stats.Asked.TimedOut++
	} else {
		c.stats.Asked.Aborted++
	}
	if c.session != nil {
		c.session.SendCancel(pending.id)
		c.sent()
	}
	return nil, err
}

func (c *Conn) ask(ctx context.Context, requestType uint32, data []byte) (*pendingRequest, error) {
	if err := session.CheckMessage(requestType, len(data), c.config.MaxMessageBytes); err != nil {
		return nil, err
	}
	trace, err := traceToSend(ctx)
	if err != nil {
		return nil, err
	}
	for {
		if err := c.checkOpen(); err != nil {
			return nil, err
		}
		// Counted separately: messages that the peer does not read must not block requests.
		if c.session == nil || c.session.QueuedRequestBytes() < int64(c.config.MaxQueuedBytes) {
			break
		}
		if err := c.waitForRoom(ctx); err != nil {
			return nil, err
		}
	}
	pending := &pendingRequest{trace: trace, done: make(chan struct{})}
	l := c.link
	prompt := l.takesPromptly(len(data))
	err = c.sendRequest(pending, requestType, data)
	if prompt {
		l.promptly()
	}
	return pending, err
}

// sendRequest queues a request under a new id of the session.
func (c *Conn) sendRequest(pending *pendingRequest, requestType uint32, data []byte) error {
	return c.sendPending(pending, func(id uint32) error {
		return c.sendable().SendRequest(session.Request{ID: id, Type: requestType, Data: data, Trace: pending.trace})
	})
}

// sendPending sends a request under a new id of the session.
func (c *Conn) sendPending(pending *pendingRequest, send func(id uint32) error) error {
	if c.link != nil && !c.link.engine.IsNative() {
		return fault.New(fault.PeerNotNative, "the peer speaks golang-ipc's wire, which has no requests")
	}
	r := &c.requests
	id := r.ids.Next(func(id uint32) bool { return r.waiting[id] != nil })
	if err := send(id); err != nil {
		return err
	}
	pending.id, r.waiting[id] = id, pending
	c.link.needsReader()
	if r.timed == nil {
		r.timed, r.timedAt = pending, time.Now()
	}
	c.sent()
	return nil
}

func (c *Conn) answerCame(id uint32, data []byte, err error) {
	// An unexpected answer has crossed a cancel.
	if pending := c.requests.waiting[id]; pending != nil {
		delete(c.requests.waiting, id)
		if took, timed := c.requests.timedOver(pending); timed {
			c.stats.Asked.LastAnswer = took
		}
		if err == nil {
			c.stats.Asked.Answered++
		} else {
			c.stats.Asked.Failed++
		}
		pending.settle(data, err)
	}
}

// timedOver is how long the request took, if it was timed; the next one is timed.
func (r *pendingRequests) timedOver(pending *pendingRequest) (took time.Duration, timed bool) {
	if r.timed != pending {
		return 0, false
	}
	r.timed = nil
	return time.Since(r.timedAt), true
}

func (p *pendingRequest) settle(data []byte, err error) {
	p.answer, p.err = data, err
	close(p.done)
}

// requestsLost is called when the session is lost, and with it this end's requests, except those that were not sent
// at all: they go on in the next session, in which ids start from 1 again. The peer's requests are over.
func (c *Conn) requestsLost(err error, unsent []session.Request) {
	lost := c.requests.waiting
	c.requests = pendingRequests{waiting: map[uint32]*pendingRequest{}}
	for _, request := range unsent {
		pending := lost[request.ID]
		if pending == nil {
			continue // Nobody waits for it any more.
		}
		delete(lost, request.ID)
		if err := c.sendRequest(pending, request.Type, request.Data); err != nil {
			pending.settle(nil, err)
		}
	}
	c.stats.Asked.Lost += int64(len(lost))
	c.stats.Handled.Lost += int64(len(c.handling.wanted))
	for _, pending := range lost {
		pending.settle(nil, err)
	}
	for id, handled := range c.handling.wanted {
		delete(c.handling.wanted, id)
		handled.cancel()
	}
	c.handling.waiting.Clear()
}
