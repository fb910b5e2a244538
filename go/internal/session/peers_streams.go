package session

import (
	"encoding/binary"
	"fmt"

	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

// What the peer's frames do to streams.

// find is nil for a stream that is over. The openings come in the order of the ids, so an id after the last was never opened.
func (s *Streams) find(id uint32) (*stream, error) {
	if found := s.open[id]; found != nil {
		return found, nil
	}
	last := s.lastPeers
	if isIDOf(s.limits.Side, id) {
		last = s.lastOwn
	}
	if id == 0 || isAfter(id, last) {
		return nil, wire.InvalidFrame(fmt.Sprintf("a frame of the stream %d, which is not open", id))
	}
	return nil, nil
}

// peerOpens: the first frame of an opening has arrived.
func (s *Streams) peerOpens(opened *Event) error {
	id := opened.ID
	switch {
	case opened.Type == 0:
		return wire.InvalidFrame("a stream of type 0")
	case id == 0 || isIDOf(s.limits.Side, id) || !isAfter(id, s.lastPeers) || s.open[id] != nil:
		return wire.InvalidFrame(fmt.Sprintf("the opening of a stream with the id %d, which is not its to give", id))
	case int64(len(s.open))-s.ownOpen >= int64(s.limits.Offers.MaxConcurrentStreams):
		return wire.InvalidFrame(fmt.Sprintf("the opening of more than %d streams", s.limits.Offers.MaxConcurrentStreams))
	}
	if err := s.checkReplies(); err != nil {
		return err
	}
	s.lastPeers = id
	s.open[id] = &stream{id: id}
	return nil
}

// itemBegins: the first frame of an item has arrived.
func (s *Streams) itemBegins(id uint32) error {
	stream, err := s.find(id)
	if stream == nil {
		return err
	}
	if stream.peerEnded {
		return wire.InvalidFrame("an item after the end of its stream")
	}
	if err := s.checkReplies(); err != nil {
		return err
	}
	if window := int64(s.limits.Offers.StreamWindow); stream.received-stream.credited >= window {
		return fault.New(fault.WindowExceeded, "the peer sent an item in a stream whose window of %d bytes is full", window)
	}
	return nil
}

// itemCame: a whole item of that weight has arrived. It reports whether the application is to be given it.
func (s *Streams) itemCame(id uint32, weight int64) bool {
	stream := s.open[id]
	if stream == nil {
		return false
	}
	stream.received += weight
	if stream.stopped {
		stream.consumed += weight
		return false
	}
	s.unconsumed += weight
	return true
}

// control reads a frame without data of the application, into an event that has its id. For a stream that is over it means
// nothing.
func (s *Streams) control(kind wire.Kind, body []byte, event *Event) error {
	if kind == wire.KindStreamReset {
		if err := readFailure(body, event); err != nil {
			return err
		}
		event.Kind = NoEvent
	}
	if kind == wire.KindStreamCredit && binary.BigEndian.Uint64(body[4:]) > wire.MaxPosition {
		return wire.InvalidFrame("a position of 2^53 or more")
	}
	stream, err := s.find(event.ID)
	if stream == nil {
		return err
	}
	switch kind {
	case wire.KindStreamReset:
		event.Kind = StreamResetEvent
		s.over(stream)
		return nil
	case wire.KindStreamEnd:
		return s.peerEnds(stream, event)
	case wire.KindStopSending:
		if !stream.ended {
			event.Kind = StopSendingEvent
			s.End(stream.id)
		}
		return nil
	default:
		return s.peerConsumes(stream, binary.BigEndian.Uint64(body[4:]), event)
	}
}

func (s *Streams) peerEnds(stream *stream, event *Event) error {
	if stream.peerEnded {
		return wire.InvalidFrame("a second end of a stream")
	}
	stream.peerEnded = true
	event.Kind = StreamEndEvent
	s.overIfEnded(stream)
	return nil
}

func (s *Streams) peerConsumes(stream *stream, consumed uint64, event *Event) error {
	if consumed < uint64(stream.peerConsumed) || consumed > uint64(stream.sent) {
		return wire.InvalidFrame("credit for what was not sent, or before an earlier one")
	}
	hadCredit := s.hasCredit(stream)
	stream.peerConsumed = int64(consumed)
	if !hadCredit && s.hasCredit(stream) {
		event.Kind = CreditEvent
	}
	return nil
}
