package sealpipe

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"sealpipe/internal/fault"
	"sealpipe/internal/session"
)

// StreamHandler handles streams of one type that the peer opens. Its context ends when the stream is over: when it is reset or
// lost, which is then the context's cause, or both directions have ended. When the handler returns nil, this end's direction ends
// and unread items are dropped, as by Close. An error resets the stream: the peer gets the code and message of an *Error, see Fail,
// or ErrHandlerFailed with the error's text. One exception is ErrStreamStopped, by which a write reports that the peer wants no
// more: that is an end in order.
type StreamHandler func(ctx context.Context, stream *Stream) error

// streams are those of a connection that are not over.
type streams struct {
	own  handlers[StreamHandler]
	open map[uint32]*Stream
	// running counts running handlers, and waiting are streams whose handlers wait for their turn: those of streams that are over
	// may still run.
	running int
	waiting []*Stream
	// openable is fired when a stream may be opened that had to wait, and room when items may leave that had to.
	openable, room signal
}

// forget: the stream is over at this end.
func (s *streams) forget(stream *Stream) {
	delete(s.open, stream.id)
	s.waiting = slices.DeleteFunc(s.waiting, func(waiting *Stream) bool { return waiting == stream })
	s.room.fire()
	s.openable.fire()
}

// HandleStream sets the handler of streams of that type that the peer opens, in place of the listener's; nil removes it. At most
// MaxConcurrentStreams of them are open at a time, and as many handlers run: a stream waits for one that goes on after its own is over.
func (c *Conn) HandleStream(streamType uint32, handler StreamHandler) {
	c.streams.own.set(streamType, handler, handler != nil)
}

// OpenStream opens a stream; items can be written at once. It waits while a client has no connection, unless DisableOfflineQueue is
// set, and while the peer's MaxConcurrentStreams of this end's are open. When the context ends, later too, the stream is reset. A
// deadline that passes before the stream is open is ErrNotConnected or ErrTooManyStreams. A peer on golang-ipc's wire has no streams,
// which is ErrPeerNotNative; one whose library has none is ErrPeerWithoutStreams. If the peer handles no streams of that type, reads
// and writes fail with ErrNoHandler.
func (c *Conn) OpenStream(ctx context.Context, streamType uint32, data []byte) (*Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := session.CheckMessage(streamType, len(data), c.config.MaxMessageBytes); err != nil {
		return nil, err
	}
	trace, err := traceToSend(ctx)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for {
		of, err := c.sessionForStreams()
		if err != nil {
			return nil, err
		}
		if ctx.Err() == nil && of != nil && of.Streams().CanOpen() {
			return c.open(ctx, of, session.Request{Type: streamType, Data: data, Trace: trace})
		}
		if !c.wait(ctx, &c.streams.openable) {
			if of == nil {
				return nil, waitError(ctx, fault.NotConnected, "there was no connection to open a stream on in time")
			}
			return nil, waitError(ctx, fault.TooManyStreams, "as many streams as the peer takes were open all the time")
		}
	}
}

// sessionForStreams is nil as long as there is none to open a stream in.
func (c *Conn) sessionForStreams() (*session.Session, error) {
	if err := c.checkOpen(); err != nil {
		return nil, err
	}
	switch {
	case c.link != nil && !c.link.engine.IsNative():
		return nil, fault.New(fault.PeerNotNative, "the peer speaks golang-ipc's wire, which has no streams")
	case c.session == nil || c.link == nil && c.session.Identity() == nil:
		// The second is the one in which a client's messages wait for a connection.
		return nil, nil
	case c.session.Streams() == nil:
		return nil, fault.New(fault.PeerWithoutStreams, "the peer's library has no streams")
	}
	return c.session, nil
}

func (c *Conn) open(ctx context.Context, of *session.Session, begun session.Request) (*Stream, error) {
	id, err := of.Streams().Open(begun)
	if err != nil {
		return nil, err
	}
	stream := c.addStream(of, &session.Event{ID: id, Type: begun.Type, Data: bytes.Clone(begun.Data)})
	stream.unwatch = context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		stream.reset(fault.StreamReset, "the peer has aborted the stream", context.Cause(ctx))
	})
	c.sent()
	return stream, nil
}

func (c *Conn) addStream(of *session.Session, begun *session.Event) *Stream {
	stream := &Stream{Type: begun.Type, Data: begun.Data, Conn: c, id: begun.ID, session: of}
	if c.streams.open == nil {
		c.streams.open = map[uint32]*Stream{}
	}
	c.streams.open[begun.ID] = stream
	c.link.needsReader()
	return stream
}

// streamCame handles an event of a stream, with the lock.
func (c *Conn) streamCame(event *session.Event) {
	if event.Kind == session.StreamEvent {
		c.streamOpened(event)
		return
	}
	if stream := c.streams.open[event.ID]; stream != nil {
		stream.came(event)
	}
	if event.Kind == session.StreamEndEvent || event.Kind == session.StreamResetEvent {
		c.streams.openable.fire()
	}
}

func (c *Conn) streamOpened(event *session.Event) {
	handler := c.streams.own.find(event.Type)
	if handler == nil && c.listener != nil {
		handler = c.listener.streamHandlers.find(event.Type)
	}
	if handler == nil {
		c.session.Streams().Reset(event.ID, string(fault.NoHandler), fmt.Sprintf("nobody handles streams of type %d", event.Type))
		c.sent()
		return
	}
	stream := c.addStream(c.session, event)
	ctx, cancel := context.WithCancelCause(withTraceOf(context.Background(), event))
	stream.cancel = cancel
	stream.handle = func() { c.handleStream(ctx, handler, stream) }
	c.streams.waiting = append(c.streams.waiting, stream)
	c.startStreamHandlers()
}

func (c *Conn) startStreamHandlers() {
	s := &c.streams
	for len(s.waiting) > 0 && s.running < c.config.MaxConcurrentStreams {
		next := s.waiting[0]
		s.waiting = slices.Delete(s.waiting, 0, 1)
		s.running++
		go next.handle()
	}
}

func (c *Conn) handleStream(ctx context.Context, handler StreamHandler, stream *Stream) {
	err := c.runStreamHandler(ctx, handler, stream)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil || errors.Is(err, fault.StreamStopped) {
		_ = stream.closeWrite()
		stream.stop()
	} else {
		code, message, _ := failureOf(err)
		stream.reset(Code(code), message, fault.New(fault.Closed, "the handler has failed"))
	}
	c.streams.running--
	c.startStreamHandlers()
}

func (c *Conn) runStreamHandler(ctx context.Context, handler StreamHandler, stream *Stream) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = c.handlerPanicked(stream.Type, panicked)
		}
	}()
	return handler(ctx, stream)
}

// streamsLost: the session is gone, and its streams with it. They are returned, in the order of their ids.
func (c *Conn) streamsLost(err error) []*Stream {
	lost := slices.SortedFunc(maps.Values(c.streams.open), func(one, other *Stream) int { return cmp.Compare(one.id, other.id) })
	for _, stream := range lost {
		stream.fail(err)
	}
	c.streams.openable.fire()
	return lost
}

// streamsGoOn: the peer's windows may be other than before.
func (c *Conn) streamsGoOn() {
	for _, stream := range c.streams.open {
		stream.credit.fire()
	}
	c.streams.openable.fire()
}
