package sealpipe

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"sealpipe/internal/fault"
	"sealpipe/internal/fifo"
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

// congestedBytes: while so many bytes of answers wait, no further handler is started.
const congestedBytes = 1_048_576

// Request is what the peer asks.
type Request struct {
	Type uint32
	Data []byte
	// Conn is the connection that it came by.
	Conn *Conn
}

// Handler answers requests of one type. Its context ends when nobody waits for the answer any more. What it fails with is
// told to the peer: the code and message of an *Error, see Fail, or ErrHandlerFailed with the error's text.
type Handler func(ctx context.Context, request *Request) ([]byte, error)

// Fail is an error for a handler to return, whose code (1 to 64 characters of A-Z 0-9 _) and message the peer gets.
func Fail(code Code, format string, args ...any) error { return fault.New(code, format, args...) }

// handlers are those of a connection or listener.
type handlers struct {
	mu     sync.RWMutex
	byType map[uint32]Handler
}

func (h *handlers) set(requestType uint32, handler Handler) {
	if requestType == 0 {
		panic("sealpipe: request type 0 is reserved; use 1 to 4294967295")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byType == nil {
		h.byType = map[uint32]Handler{}
	}
	if handler == nil {
		delete(h.byType, requestType)
	} else {
		h.byType[requestType] = handler
	}
}

func (h *handlers) find(requestType uint32) Handler {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.byType[requestType]
}

// pendingRequests are what this end has asked.
type pendingRequests struct {
	ids     session.RequestIDs
	waiting map[uint32]*pendingRequest
}

type pendingRequest struct {
	// id is that of the session of now.
	id     uint32
	answer []byte
	err    error
	done   chan struct{}
}

// Request asks the peer, and waits for its answer or until the context ends, which tells the peer's handler. What the handler
// failed with is an *Error with Remote set. While a client reconnects, requests wait for the connection, unless
// DisableOfflineQueue is set. A deadline that passes is ErrRequestTimeout.
func (c *Conn) Request(ctx context.Context, requestType uint32, data []byte) ([]byte, error) {
	pending, err := c.ask(ctx, requestType, data)
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
	if c.session != nil {
		c.session.SendCancel(pending.id)
		c.sent()
	}
	return nil, waitError(ctx, fault.RequestTimeout, "the request was not answered in time")
}

func (c *Conn) ask(ctx context.Context, requestType uint32, data []byte) (*pendingRequest, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := session.CheckMessage(requestType, len(data), c.config.MaxMessageBytes); err != nil {
		return nil, err
	}
	for {
		if err := c.checkOpen(); err != nil {
			return nil, err
		}
		// By themselves: messages that nobody reads there must not keep us from asking.
		if c.session == nil || c.session.QueuedRequestBytes() < int64(c.config.MaxQueuedBytes) {
			break
		}
		if err := c.waitForRoom(ctx); err != nil {
			return nil, err
		}
	}
	pending := &pendingRequest{done: make(chan struct{})}
	return pending, c.sendRequest(pending, requestType, data)
}

// sendRequest queues a request under a new id of the session.
func (c *Conn) sendRequest(pending *pendingRequest, requestType uint32, data []byte) error {
	if c.link != nil && !c.link.engine.IsNative() {
		return fault.New(fault.PeerNotNative, "the peer speaks golang-ipc's wire, which has no requests")
	}
	r := &c.requests
	id := r.ids.Next(func(id uint32) bool { return r.waiting[id] != nil })
	if err := c.sendable().SendRequest(id, requestType, data); err != nil {
		return err
	}
	pending.id, r.waiting[id] = id, pending
	c.sent()
	return nil
}

func (c *Conn) answerCame(id uint32, data []byte, err error) {
	// An answer that nobody waits for has crossed a cancel.
	if pending := c.requests.waiting[id]; pending != nil {
		delete(c.requests.waiting, id)
		pending.settle(data, err)
	}
}

func (p *pendingRequest) settle(data []byte, err error) {
	p.answer, p.err = data, err
	close(p.done)
}

// requestsLost: the session is lost, and our requests with it, but for those that were not sent at all: they go on in the next,
// in which ids begin anew. What the peer asked is over.
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
	for _, pending := range lost {
		pending.settle(nil, err)
	}
	for id, handled := range c.handling.wanted {
		delete(c.handling.wanted, id)
		handled.cancel()
	}
	c.handling.waiting.Clear()
}

// Handle answers the peer's requests of that type, in place of a handler of the listener's; nil takes it away again.
func (c *Conn) Handle(requestType uint32, handler Handler) { c.handling.own.set(requestType, handler) }

// handledRequests are what the peer asks of us. Requests wait in order for a handler to be free; how many wait is bounded by
// the lane's window, as they are not consumed before.
type handledRequests struct {
	own handlers
	// wanted are those that the peer waits for: waiting here, or with a handler at work.
	wanted  map[uint32]*handledRequest
	waiting fifo.Queue[*handledRequest]
	// running are handlers at work, also for requests that nobody wants any more: a handler may be deaf to its context.
	running  int
	starting bool
}

type handledRequest struct {
	id       uint32
	position int64
	request  Request
	session  *session.Session
	context  context.Context
	cancel   context.CancelFunc
}

func (c *Conn) requestCame(event *session.Event) {
	handled := &handledRequest{
		id: event.ID, position: event.Position, session: c.session,
		request: Request{Type: event.Type, Data: event.Data, Conn: c},
	}
	handled.context, handled.cancel = context.WithCancel(c.context)
	c.handling.wanted[event.ID] = handled
	c.handling.waiting.Push(handled)
	c.startHandlers()
}

func (c *Conn) cancelCame(id uint32) {
	handled := c.handling.wanted[id]
	if handled == nil {
		return
	}
	delete(c.handling.wanted, id)
	handled.cancel()
	// One that waits keeps its place until it is at the front, so that they are consumed in order.
	c.startHandlers()
}

// startHandlers starts those that may be.
func (c *Conn) startHandlers() {
	h := &c.handling
	if h.starting {
		return
	}
	h.starting = true
	defer func() { h.starting = false }()
	consumed := false
	for h.waiting.Len() > 0 {
		next := *h.waiting.At(0)
		wanted := h.wanted[next.id] == next
		if wanted && (h.running >= c.config.MaxConcurrentRequests || c.isCongested()) {
			break
		}
		h.waiting.Pop()
		consumed = true
		if next.session == c.session {
			c.session.ConsumeRequest(next.position)
			if c.link != nil {
				c.link.engine.Consumed(now())
			}
		}
		if !wanted {
			next.cancel()
			continue
		}
		h.running++
		go c.handle(next)
	}
	if consumed && c.link != nil {
		c.link.progressed()
	}
}

func (c *Conn) isCongested() bool {
	return c.session != nil && c.session.QueuedAnswerBytes() > congestedBytes
}

func (c *Conn) handle(handled *handledRequest) {
	data, err := c.runHandler(handled)
	handled.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handling.running--
	if c.handling.wanted[handled.id] == handled {
		delete(c.handling.wanted, handled.id)
		c.answer(handled.id, data, err)
	}
	c.startHandlers()
}

func (c *Conn) runHandler(handled *handledRequest) (data []byte, err error) {
	handler := c.handling.own.find(handled.request.Type)
	if handler == nil && c.listener != nil {
		handler = c.listener.handlers.find(handled.request.Type)
	}
	if handler == nil {
		return nil, fault.New(fault.NoHandler, "nobody handles requests of type %d", handled.request.Type)
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			data, err = nil, fault.New(fault.HandlerFailed, "the handler panicked")
			if c.config.Logger != nil {
				c.config.Logger.Error("sealpipe: a handler panicked", "type", handled.request.Type,
					"panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
			}
		}
	}()
	return handler(handled.context, &handled.request)
}

func (c *Conn) answer(id uint32, data []byte, err error) {
	if c.session == nil || c.closedHere {
		return
	}
	if err == nil {
		err = c.session.SendAnswer(id, data)
	}
	if err != nil {
		code, message := failureOf(err)
		c.session.SendFailure(id, code, message)
	}
	c.sent()
}

// failureOf is what the peer is told of an error.
func failureOf(err error) (code, message string) {
	var known *Error
	if errors.As(err, &known) && wire.IsFailureCode(string(known.Code)) {
		return string(known.Code), known.Message
	}
	return string(fault.HandlerFailed), err.Error()
}
