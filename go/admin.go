package sealpipe

import (
	"context"

	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

// ShutdownRequest is a client's request that the program shuts down.
type ShutdownRequest struct {
	// Reason is what the client says about why; it may be empty.
	Reason string
	// Conn is the connection of the client.
	Conn *Conn
}

// ShutdownHandler shuts the program down: it closes the listener, and whatever else ends with it. It may end the process. OnError
// reports its error.
type ShutdownHandler func(*ShutdownRequest) error

// admin is what a listener answers to requests to the library itself. Its lock is the listener's.
type admin struct {
	describes      bool
	shutdown       ShutdownHandler
	isShuttingDown bool
}

// AllowDescribe lets clients ask what this server is, by Describe, or forbids it again. Default: they get ErrNotAllowed.
func (l *Listener) AllowDescribe(allowed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.admin.describes = allowed
}

// AllowShutdown lets clients ask the program to shut down, by ShutdownServer: each is answered before the handler begins, in a
// goroutine of its own. While a handler runs, further requests are answered and begin nothing. Nil forbids it again. Default:
// clients get ErrNotAllowed.
//
//	listener.AllowShutdown(func(r *sealpipe.ShutdownRequest) error {
//		log.Printf("asked to end: %s", r.Reason)
//		return listener.Close()
//	})
func (l *Listener) AllowShutdown(handler ShutdownHandler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.admin.shutdown = handler
}

// Describe asks the server what it is. It answers if its application has called AllowDescribe; otherwise, and without one in
// another language, the error is ErrNotAllowed. Other errors are ErrPeerNotNative, ErrPeerWithoutAdmin if the server's library
// cannot, ErrNotConnected while there is no server, ErrDescriptionInvalid, and as for Request. Only for a client.
func (c *Conn) Describe(ctx context.Context) (*Description, error) {
	answer, err := c.askAdmin(ctx, wire.Describe, nil)
	if err != nil {
		return nil, err
	}
	return decodeDescription(answer)
}

// ShutdownServer asks the server's program to shut down, with a reason of up to 1024 bytes of UTF-8, and returns when that is
// agreed. It agrees if its application has called AllowShutdown. Errors are as for Describe. Only for a client, which waits for the
// next server afterwards, unless it is closed.
func (c *Conn) ShutdownServer(ctx context.Context, reason string) error {
	if err := checkText(reason); err != nil {
		return err
	}
	_, err := c.askAdmin(ctx, wire.Shutdown, []byte(reason))
	return err
}

func (c *Conn) askAdmin(ctx context.Context, operation wire.Operation, data []byte) ([]byte, error) {
	if c.role != wire.ClientSide {
		return nil, fault.New(fault.InvalidArgument, "only a client asks the other end's library")
	}
	if len(data) > wire.MaxAdminBytes {
		return nil, fault.New(fault.InvalidArgument, "a reason has at most %d bytes", wire.MaxAdminBytes)
	}
	return c.await(ctx, func() (*pendingRequest, error) {
		if err := c.checkOpen(); err != nil {
			return nil, err
		}
		if c.link == nil {
			return nil, fault.New(fault.NotConnected, "there is no server that could be asked")
		}
		pending := &pendingRequest{done: make(chan struct{})}
		return pending, c.sendPending(pending, func(id uint32) error { return c.session.SendAdmin(id, operation, data) })
	})
}

// answerAdmin is the answer to a request to the library itself, and what is to be done once it has left.
func (l *Listener) answerAdmin(r *handledRequest) (answer []byte, after func(), err error) {
	l.mu.Lock()
	describes, shutdown := l.admin.describes, l.admin.shutdown
	begins := !l.admin.isShuttingDown
	operation := wire.Operation(r.request.Type)
	if operation == wire.Shutdown && shutdown != nil {
		l.admin.isShuttingDown = true
	}
	l.mu.Unlock()
	switch {
	case operation == wire.Describe && describes:
		return l.description().encode(), nil, nil
	case operation == wire.Shutdown && shutdown != nil && begins:
		request := &ShutdownRequest{wire.Text(r.request.Data), r.request.Conn}
		return nil, func() { go l.runShutdown(shutdown, request) }, nil
	case operation == wire.Shutdown && shutdown != nil:
		return nil, nil, nil
	default:
		return nil, nil, fault.New(fault.NotAllowed, "the server's application does not allow this")
	}
}

func (l *Listener) runShutdown(handler ShutdownHandler, request *ShutdownRequest) {
	request.Conn.awaitLeft()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		// A handler that closed nothing may be asked again.
		l.admin.isShuttingDown = false
	}()
	if err := handler(request); err != nil {
		l.tell(request.Conn, err)
	}
}

// awaitLeft waits until what was written has left this process or its peer is gone, but not long for one that reads nothing.
func (c *Conn) awaitLeft() {
	patience, cancel := context.WithTimeout(c.context, c.config.CloseTimeout)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.link != nil && !(c.link.writerIdle && c.link.engine.UnsentBytes() == 0) {
		if !c.wait(patience, &c.idle) {
			return
		}
	}
}
