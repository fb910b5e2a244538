package sealpipe

import (
	"context"
	"errors"
	"io"
	"iter"

	"sealpipe/internal/fault"
	"sealpipe/internal/fifo"
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

// Item is one unit of a stream. Data belongs to the receiver.
type Item struct {
	Data []byte
	// weight is what it counts for in its stream's window.
	weight int64
	// memory is nil if it cannot be returned.
	memory *sessionMemory
}

// Release returns the memory of a large item, as Message.Release does.
func (i *Item) Release() { release(&i.Data, &i.memory) }

// Text is the data as text, in which U+FFFD stands for what is not UTF-8.
func (i Item) Text() string { return wire.Text(i.Data) }

// Stream is items in order, both ways. Each end sends items until it ends its own direction, by CloseWrite, and reads the other's
// until that ends; Reset ends both at once. A stream goes on when the connection breaks, as long as its session does.
//
// Items that nobody reads hold up their writer at the peer once they fill the stream's window, and nothing else. All methods may be
// called by several goroutines at a time. A stream takes one of the peer's MaxConcurrentStreams until both directions have ended or
// it is reset, so an opener ends each, with Close say.
type Stream struct {
	// Type is what kind of stream it is, and Data what it was opened with.
	Type uint32
	Data []byte
	// Conn is the connection that it belongs to.
	Conn *Conn

	id      uint32
	session *session.Session
	// Under the lock of Conn:
	unread fifo.Queue[Item]
	// readErr is what follows the unread items, and io.EOF after an end in order; writeErr is why nothing more can be written. Each
	// is nil as long as its direction is open.
	readErr, writeErr error
	// over: both directions have ended, or the stream was reset or lost. Its id may be another's.
	over             bool
	readable, credit signal
	// unwatch is of the context that an opener gave, and cancel of the one that a handler got.
	unwatch func() bool
	cancel  context.CancelCauseFunc
	// handle runs the handler, of a stream that the peer has opened.
	handle func()
}

// errEnded is the writeErr of a stream whose direction was ended here.
var errEnded error = fault.New(fault.Closed, "this end's direction of the stream has ended")

// Read waits for the next item. After the last one, once the peer has ended its direction, it returns io.EOF. If the peer has reset
// the stream, the error is an *Error with Remote set and the peer's code. If the session is lost or either end closes, what had
// arrived is still returned, and then ErrSessionLost, ErrConnectionLost or ErrClosed. If the context ends, it returns the context's
// error, or ErrReadTimeout if that was a deadline, and no item is lost.
func (s *Stream) Read(ctx context.Context) (Item, error) {
	c := s.Conn
	c.mu.Lock()
	defer c.mu.Unlock()
	for s.unread.Len() == 0 {
		if s.readErr != nil {
			return Item{}, s.readErr
		}
		if !c.wait(ctx, &s.readable) {
			return Item{}, waitError(ctx, fault.ReadTimeout, "no item came in time")
		}
	}
	next := s.unread.Pop()
	if !s.over && s.session.Streams().Consumed(s.id, next.weight) {
		c.sent()
	}
	return next, nil
}

// Items ranges over the items until the peer ends its direction; any other end yields an error, last. A loop that is left before
// the peer's end is a Stop.
func (s *Stream) Items(ctx context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		defer s.Stop()
		for {
			item, err := s.Read(ctx)
			if err == io.EOF || !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// Write sends an item of up to MaxMessageBytes of both ends; data is not used after it returns. It waits while what the peer has not
// read fills the stream's window, or MaxQueuedBytes of streams are on their way, until there is room or the context ends, which is
// ErrQueueFull if that was a deadline. If the peer wants no more items the error is ErrStreamStopped, and after CloseWrite it is
// ErrClosed; otherwise errors are as for Read.
func (s *Stream) Write(ctx context.Context, data []byte) error {
	c := s.Conn
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		var room *signal
		switch streams := s.session.Streams(); {
		case s.writeErr != nil:
			return s.writeErr
		case s.session.QueuedStreamBytes() >= int64(c.config.MaxQueuedBytes):
			room = &c.streams.room
		case !streams.HasCredit(s.id):
			room = &s.credit
		default:
			if err := streams.Write(s.id, data); err != nil {
				return err
			}
			c.sent()
			return nil
		}
		if !c.wait(ctx, room) {
			return waitError(ctx, fault.QueueFull, "the peer did not take the stream's items in time")
		}
	}
}

// WriteText writes text. One that is not UTF-8 is refused with ErrInvalidArgument.
func (s *Stream) WriteText(ctx context.Context, text string) error {
	if err := checkText(text); err != nil {
		return err
	}
	return s.Write(ctx, []byte(text))
}

// CloseWrite ends this end's direction, after what was written. It is an error only if the stream was reset or lost before.
func (s *Stream) CloseWrite() error {
	s.Conn.mu.Lock()
	defer s.Conn.mu.Unlock()
	return s.closeWrite()
}

func (s *Stream) closeWrite() error {
	if s.writeErr == nil {
		s.writeErr = errEnded
		s.session.Streams().End(s.id)
		s.Conn.sent()
		s.credit.fire()
		s.Conn.streams.room.fire()
		s.noticeEnd()
	}
	if s.writeErr == errEnded || errors.Is(s.writeErr, fault.StreamStopped) {
		return nil
	}
	return s.writeErr
}

// Stop tells the peer that this end wants no more items: those that are unread, and those that still come, are dropped. The other
// direction goes on.
func (s *Stream) Stop() {
	s.Conn.mu.Lock()
	defer s.Conn.mu.Unlock()
	s.stop()
}

func (s *Stream) stop() {
	s.unread.Clear()
	if s.over {
		return
	}
	s.session.Streams().StopSending(s.id)
	s.Conn.sent()
	s.peerEnds()
}

// Close is CloseWrite and Stop: what was written still arrives, and nothing more is read.
func (s *Stream) Close() error {
	s.Conn.mu.Lock()
	defer s.Conn.mu.Unlock()
	defer s.stop()
	return s.closeWrite()
}

// Reset ends both directions at once: unsent and unread items are dropped. Reads and writes then fail, here with ErrClosed, and at
// the peer with an *Error of that code and message; a code that is not 1 to 64 characters of A-Z 0-9 _ becomes ErrStreamReset. It
// does nothing if the stream is over.
func (s *Stream) Reset(code Code, message string) {
	if !wire.IsFailureCode(string(code)) {
		code = fault.StreamReset
	}
	s.Conn.mu.Lock()
	defer s.Conn.mu.Unlock()
	s.reset(code, message, fault.New(fault.Closed, "this end has reset the stream"))
}

// reset ends it at this end with another error than at the peer.
func (s *Stream) reset(code Code, message string, here error) {
	if s.over {
		return
	}
	s.session.Streams().Reset(s.id, string(code), message)
	s.Conn.sent()
	s.drop(here)
}

// came handles an event of the stream, with the lock.
func (s *Stream) came(event *session.Event) {
	switch event.Kind {
	case session.ItemEvent:
		s.unread.Push(Item{event.Data, event.Weight, s.Conn.memoryOf(event)})
		s.readable.fire()
	case session.StreamEndEvent:
		s.peerEnds()
	case session.StopSendingEvent:
		if s.writeErr == nil {
			s.writeErr = fault.New(fault.StreamStopped, "the peer wants no more items of this stream")
		}
		s.credit.fire()
		s.Conn.streams.room.fire()
		s.noticeEnd()
	case session.CreditEvent:
		s.credit.fire()
	case session.StreamResetEvent:
		s.drop(&fault.Error{Code: fault.Code(event.Code), Message: event.Text, Remote: true})
	}
}

// peerEnds: no more items come.
func (s *Stream) peerEnds() {
	if s.readErr == nil {
		s.readErr = io.EOF
	}
	s.readable.fire()
	s.noticeEnd()
}

// drop: the stream was reset. Nothing more is read of it, not even an end that had come.
func (s *Stream) drop(err error) {
	s.unread.Clear()
	s.readErr = err
	s.fail(err)
}

// fail: the stream was lost. Items that are unread can still be read; if the peer had ended its direction, what follows them is
// that end and not the error.
func (s *Stream) fail(err error) {
	s.writeErr = err
	if s.readErr == nil {
		s.readErr = err
	}
	s.end(err)
}

func (s *Stream) noticeEnd() {
	if s.readErr != nil && s.writeErr != nil && !s.over {
		s.end(nil)
	}
}

// end: the stream is over, because of an error or in order.
func (s *Stream) end(err error) {
	s.over = true
	if s.cancel != nil {
		s.cancel(err)
	}
	if s.unwatch != nil {
		s.unwatch()
	}
	s.readable.fire()
	s.credit.fire()
	s.Conn.streams.forget(s)
}
