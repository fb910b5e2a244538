package sealpipe

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"sealpipe/internal/fault"
	"sealpipe/internal/fifo"
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

// congestedBytes: while that many bytes of answers wait, no further handler is started.
const congestedBytes = 1_048_576

// Handle sets the handler of the peer's requests of that type, in place of the listener's; nil removes it.
func (c *Conn) Handle(requestType uint32, handler Handler) {
	c.handling.own.set(requestType, handler, handler != nil)
}

// handledRequests are the peer's requests. They wait in order until a handler may start; the lane's window bounds how
// many wait, because they are not consumed before.
type handledRequests struct {
	own handlers[Handler]
	// wanted are those that the peer waits for: waiting here, or with a running handler.
	wanted  map[uint32]*handledRequest
	waiting fifo.Queue[*handledRequest]
	// running counts running handlers, including those of cancelled requests: a handler may ignore its context.
	running  int
	starting bool
}

type handledRequest struct {
	id       uint32
	position int64
	request  Request
	// isAdmin: it is to the library itself, and its type is the operation.
	isAdmin bool
	session *session.Session
	context context.Context
	cancel  context.CancelFunc
}

func (c *Conn) requestCame(event *session.Event) {
	handled := &handledRequest{
		id: event.ID, position: event.Position, session: c.session,
		request: Request{Type: event.Type, Data: event.Data, Conn: c, memory: c.memoryOf(event)}, isAdmin: event.IsAdmin,
	}
	handled.context, handled.cancel = context.WithCancel(withTraceOf(c.context, event))
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
	c.stats.Handled.Cancelled++
	handled.cancel()
	// A waiting request keeps its place until it is at the front, so that requests are consumed in order.
	c.startHandlers()
}

// startHandlers starts handlers while more of them may run.
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
				c.link.engine.Consumed(now)
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
	data, after, err := c.runHandler(handled)
	handled.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handling.running--
	l, prompt := c.link, false
	if c.handling.wanted[handled.id] == handled {
		delete(c.handling.wanted, handled.id)
		switch {
		case c.session == nil || c.closedHere:
			c.stats.Handled.Lost++
		case err == nil:
			c.stats.Handled.Answered++
		default:
			c.stats.Handled.Failed++
		}
		prompt = l.takesPromptly(len(data))
		c.answer(handled.id, data, err)
	}
	c.startHandlers()
	if prompt {
		l.promptly()
	}
	if after != nil {
		after()
	}
}

// runHandler gives the answer, and what is to be done once it is sent.
func (c *Conn) runHandler(handled *handledRequest) (data []byte, after func(), err error) {
	if handled.isAdmin {
		return c.listener.answerAdmin(handled)
	}
	handler := c.handling.own.find(handled.request.Type)
	if handler == nil && c.listener != nil {
		handler = c.listener.handlers.find(handled.request.Type)
	}
	if handler == nil {
		return nil, nil, fault.New(fault.NoHandler, "nobody handles requests of type %d", handled.request.Type)
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			data, err = nil, c.handlerPanicked(handled.request.Type, panicked)
		}
	}()
	data, err = handler(handled.context, &handled.request)
	return data, nil, err
}

func (c *Conn) handlerPanicked(itsType uint32, panicked any) error {
	if c.config.Logger != nil {
		c.config.Logger.Error("sealpipe: a handler panicked", "type", itsType,
			"panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	}
	return fault.New(fault.HandlerFailed, "the handler panicked")
}

func (c *Conn) answer(id uint32, data []byte, err error) {
	if c.session == nil || c.closedHere {
		return
	}
	if err == nil {
		err = c.session.SendAnswer(id, data)
	}
	if err != nil {
		code, message, data := failureOf(err)
		c.session.SendFailure(id, code, message, data)
	}
	c.sent()
}

// failureOf is the failure that the peer gets for an error.
func failureOf(err error) (code, message string, data []byte) {
	var known *Error
	switch {
	case !errors.As(err, &known) || !wire.IsFailureCode(string(known.Code)):
		return string(fault.HandlerFailed), err.Error(), nil
	case len(known.Data) > wire.MaxFailureDataBytes:
		return string(fault.HandlerFailed), fmt.Sprintf("the handler failed with %s and %d bytes of data, and %d is the max",
			known.Code, len(known.Data), wire.MaxFailureDataBytes), nil
	default:
		return string(known.Code), known.Message, known.Data
	}
}
