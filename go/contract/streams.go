package contract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"sealpipe"
)

// end is what one end has of a stream of a contract.
type end struct {
	stream *sealpipe.Stream
	member *Member
	// calls: this end has opened it. report is the implementer's.
	calls  bool
	report Report
}

// Reset ends the stream at once, both ways: the other end gets the code and the message.
func (e *end) Reset(code sealpipe.Code, message string) { e.stream.Reset(code, message) }

// Underlying is the stream as the core has it.
func (e *end) Underlying() *sealpipe.Stream { return e.stream }

// Source is a stream whose items this end reads.
type Source[T any] struct {
	*end
	part *part
	// alone: this end writes none.
	alone bool
}

// Read waits for the next item; io.EOF is the end in order. An item that does not fit resets the stream and is an InvalidError, and
// an error of the contract's is what generated code has for it. Others are those of a sealpipe.Stream.
func (s *Source[T]) Read(ctx context.Context) (item T, err error) {
	next, err := s.stream.Read(ctx)
	if err != nil {
		return item, s.failed(err)
	}
	item, issues := decode[T](s.part, next.Data)
	if len(issues) == 0 {
		return item, nil
	}
	code := sealpipe.ErrInvalidInput
	if s.calls {
		code = sealpipe.ErrInvalidOutput
	}
	message := fmt.Sprintf("an item of %q does not fit: %s", s.member.Name, issuesText(issues))
	s.stream.Reset(code, message)
	return item, &InvalidError{code, message, issues, nil}
}

// Items ranges over the items until the other end ends them; any other end yields an error, last. To leave the loop is a Close.
func (s *Source[T]) Items(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			item, err := s.Read(ctx)
			if err == io.EOF {
				return
			}
			if !yield(item, err) || err != nil {
				s.Close()
				return
			}
		}
	}
}

// Close says that this end wants no more items, and lets the other end know at once.
func (s *Source[T]) Close() {
	if s.calls && s.alone {
		s.stream.Reset(sealpipe.ErrStreamStopped, "the caller wants no more items")
		return
	}
	s.stream.Stop()
}

// failed is an error of the contract if the other end has reset the stream with one.
func (e *end) failed(err error) error {
	if err == io.EOF || !e.calls {
		return err
	}
	return e.member.received(err)
}

// Sink is a stream whose items this end writes.
type Sink[T any] struct {
	*end
	part *part
}

// Write sends an item. It waits while there is no room; errors are as when reading.
func (s *Sink[T]) Write(ctx context.Context, item T) error {
	data, err := encode(s.part, item)
	if err != nil {
		return err
	}
	if !s.calls {
		if issues := s.part.issues(data); len(issues) > 0 {
			return s.badItem(issues)
		}
	}
	return s.failed(s.stream.Write(ctx, data))
}

// badItem: it is told here, and the caller hears no more of it than that.
func (s *Sink[T]) badItem(issues []Issue) error {
	s.stream.Reset(sealpipe.ErrInvalidOutput, fmt.Sprintf("an item of %q did not fit the contract", s.member.Name))
	message := fmt.Sprintf("an item of the handler of %q does not fit: %s", s.member.Name, issuesText(issues))
	err := &InvalidError{sealpipe.ErrInvalidOutput, message, issues, nil}
	s.report(s.stream.Conn, err)
	return err
}

// CloseWrite says that no more items follow.
func (s *Sink[T]) CloseWrite() error { return s.failed(s.stream.CloseWrite()) }

// Finished waits until the other end is done with the stream, and drops what still comes of it. Call it after CloseWrite.
func (s *Sink[T]) Finished(ctx context.Context) error {
	for {
		if _, err := s.stream.Read(ctx); err == io.EOF {
			return nil
		} else if err != nil {
			return s.failed(err)
		}
	}
}

// Stream is a stream with items both ways: In are read, Out are written.
type Stream[In, Out any] struct {
	*Source[In]
	sink *Sink[Out]
}

// Write sends an item, as Write of a Sink.
func (s *Stream[In, Out]) Write(ctx context.Context, item Out) error { return s.sink.Write(ctx, item) }

// CloseWrite says that no more items follow.
func (s *Stream[In, Out]) CloseWrite() error { return s.sink.CloseWrite() }

// Open opens a stream to the peer whose items come from it. When the context ends, later too, the stream is reset.
func Open[T, In any](ctx context.Context, c *Caller, m *Member, input In) (*Source[T], error) {
	opened, err := openStream(ctx, c, m, input)
	if err != nil {
		return nil, err
	}
	if err := opened.stream.CloseWrite(); err != nil {
		return nil, opened.failed(err)
	}
	return &Source[T]{opened, m.output, true}, nil
}

// OpenSink opens a stream to the peer whose items go to it.
func OpenSink[T, In any](ctx context.Context, c *Caller, m *Member, input In) (*Sink[T], error) {
	opened, err := openStream(ctx, c, m, input)
	if err != nil {
		return nil, err
	}
	return &Sink[T]{opened, m.items}, nil
}

// OpenBoth opens a stream to the peer with items both ways.
func OpenBoth[From, To, In any](ctx context.Context, c *Caller, m *Member, input In) (*Stream[From, To], error) {
	opened, err := openStream(ctx, c, m, input)
	if err != nil {
		return nil, err
	}
	return &Stream[From, To]{&Source[From]{opened, m.output, false}, &Sink[To]{opened, m.items}}, nil
}

func openStream[In any](ctx context.Context, c *Caller, m *Member, input In) (*end, error) {
	data, err := encode(m.input, input)
	if err != nil {
		return nil, err
	}
	stream, err := c.conn.OpenStream(ctx, m.Number, data)
	if err != nil {
		return nil, m.received(err)
	}
	return &end{stream: stream, member: m, calls: true, report: c.report}, nil
}

// HandleSource has streams whose items go to the caller be handled: the handler writes them.
func HandleSource[In, T any](i *Implementation, m *Member, handle func(context.Context, *sealpipe.Conn, In, *Sink[T]) error) {
	handleStream(i, m, func(ctx context.Context, input In, of *end) error {
		return handle(ctx, of.stream.Conn, input, &Sink[T]{of, m.output})
	})
}

// HandleSink has streams whose items come from the caller be handled: the handler reads them.
func HandleSink[In, T any](i *Implementation, m *Member, handle func(context.Context, *sealpipe.Conn, In, *Source[T]) error) {
	handleStream(i, m, func(ctx context.Context, input In, of *end) error {
		return handle(ctx, of.stream.Conn, input, &Source[T]{of, m.items, false})
	})
}

// HandleBoth has streams with items both ways be handled.
func HandleBoth[In, From, To any](i *Implementation, m *Member, handle func(context.Context, *sealpipe.Conn, In, *Stream[From, To]) error) {
	handleStream(i, m, func(ctx context.Context, input In, of *end) error {
		return handle(ctx, of.stream.Conn, input, &Stream[From, To]{&Source[From]{of, m.items, false}, &Sink[To]{of, m.output}})
	})
}

func handleStream[In any](i *Implementation, m *Member, handle func(context.Context, In, *end) error) {
	i.endpoint.HandleStream(m.Number, func(ctx context.Context, stream *sealpipe.Stream) error {
		input, issues := decode[In](m.input, stream.Data)
		if len(issues) > 0 {
			return refusal(m, issues)
		}
		err := handle(ctx, input, &end{stream: stream, member: m, report: i.report})
		if err == nil || errors.Is(err, sealpipe.ErrStreamStopped) {
			return err
		}
		return m.sent(err)
	})
}
