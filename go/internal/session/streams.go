package session

import (
	"encoding/binary"

	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

var (
	streamOpenKinds = bodyKinds{wire.KindStreamOpen, wire.KindStreamOpenStart, wire.KindStreamPart, 0}
	itemKinds       = bodyKinds{wire.KindItem, wire.KindItemStart, wire.KindStreamPart, 0}
)

const (
	// creditShare: the peer is told when this share of a window was consumed since the last time.
	creditShare = 2
	// maxRepliesBytes is how much of a peer's causing may wait for its acknowledgement.
	maxRepliesBytes = 1_048_576
)

// Streams are those of a session that are not over: what this end may send in each, and what the peer may. To do anything to one
// that is over does nothing. Source: spec/protocol.md, "Streams".
type Streams struct {
	limits   Limits
	features wire.Features
	lane     *sendLane
	open     map[uint32]*stream
	// The peer's limits, by its hello.
	peerMaxConcurrent   int64
	peerWindow          int64
	peerMaxMessageBytes int64
	// lastOwn and lastPeers are the ids that were opened last, and ownOpen counts the open streams that this end has opened.
	lastOwn, lastPeers uint32
	ownOpen            int64
	// unconsumed is the weight of all items that the application has not consumed.
	unconsumed int64
	// repliesBytes is the weight of what the peer has caused this end to write since the lane was at repliesFrom.
	repliesBytes, repliesFrom int64
}

func newStreams(limits Limits, features wire.Features, lane *sendLane) *Streams {
	return &Streams{limits: limits, features: features, lane: lane, open: map[uint32]*stream{}}
}

func (s *Streams) attach(peer *wire.NativeHello) {
	s.peerMaxConcurrent = int64(peer.Offers.MaxConcurrentStreams)
	s.peerWindow = int64(peer.Offers.StreamWindow)
	s.peerMaxMessageBytes = int64(peer.MaxMessageBytes)
}

// CanOpen reports whether the peer takes another.
func (s *Streams) CanOpen() bool { return s.ownOpen < s.peerMaxConcurrent }

// Open opens one of that type, with that data and trace, and returns its id. The caller has seen that CanOpen.
func (s *Streams) Open(r Request) (uint32, error) {
	if err := s.check(r.Type, r.Data); err != nil {
		return 0, err
	}
	for {
		s.lastOwn = streamIDAfter(s.limits.Side, s.lastOwn)
		if s.open[s.lastOwn] == nil {
			break
		}
	}
	r.ID = s.lastOwn
	s.ownOpen++
	s.open[r.ID] = &stream{id: r.ID, own: true}
	var ahead []byte
	if r.Trace != nil && s.features&wire.FeatureContext != 0 {
		ahead = r.Trace.Frame(wire.KindStreamContext, r.ID)
	}
	s.lane.begin(streamOpenKinds, &r, ahead, 0)
	return r.ID, nil
}

func (s *Streams) check(msgType uint32, data []byte) error {
	if err := CheckMessage(msgType, len(data), s.limits.MaxMessageBytes); err != nil {
		return err
	}
	return CheckPeerTakes(len(data), s.peerMaxMessageBytes)
}

// HasCredit reports whether an item may begin.
func (s *Streams) HasCredit(id uint32) bool {
	stream := s.open[id]
	return stream == nil || s.hasCredit(stream)
}

func (s *Streams) hasCredit(stream *stream) bool {
	return stream.sent-stream.peerConsumed < s.peerWindow
}

// Write sends an item. The caller has seen that it HasCredit.
func (s *Streams) Write(id uint32, data []byte) error {
	if err := s.check(1, data); err != nil {
		return err
	}
	stream := s.open[id]
	if stream == nil || stream.ended {
		return nil
	}
	before := s.lane.writtenPosition()
	if wire.FrameHeaderBytes+4+len(data) > maxSharedBytes {
		s.lane.push(s.lane.newBody(itemKinds, []uint32{id}, data))
	} else {
		s.lane.commit(append(s.frame(wire.KindItem, id, len(data)), data...))
	}
	stream.sent += s.lane.writtenPosition() - before
	return nil
}

// End ends this end's direction.
func (s *Streams) End(id uint32) {
	stream := s.open[id]
	if stream == nil || stream.ended {
		return
	}
	stream.ended = true
	s.lane.commit(s.frame(wire.KindStreamEnd, id, 0))
	s.overIfEnded(stream)
}

// Reset ends both directions at once. The code is one that wire.IsFailureCode.
func (s *Streams) Reset(id uint32, code, message string) {
	stream := s.open[id]
	if stream == nil {
		return
	}
	s.over(stream)
	message = truncate(message, maxFailureTextBytes)
	from := s.lane.writtenPosition()
	frame := append(s.frame(wire.KindStreamReset, id, 1+len(code)+len(message)), byte(len(code)))
	s.lane.commit(append(append(frame, code...), message...))
	if !stream.own {
		s.replied(from)
	}
}

// StopSending asks the peer to end its direction. What has arrived and was not consumed counts as consumed.
func (s *Streams) StopSending(id uint32) {
	stream := s.open[id]
	if stream == nil {
		return
	}
	s.unconsumed -= stream.received - stream.consumed
	stream.consumed = stream.received
	if stream.stopped || stream.peerEnded {
		return
	}
	stream.stopped = true
	s.lane.commit(s.frame(wire.KindStopSending, id, 0))
}

// Consumed is called when the application has consumed an item of that weight. It reports whether there is something to send for
// it: most items cause nothing.
func (s *Streams) Consumed(id uint32, weight int64) bool {
	stream := s.open[id]
	if stream == nil || stream.stopped {
		return false
	}
	stream.consumed += weight
	s.unconsumed -= weight
	if stream.peerEnded || stream.consumed-stream.credited < int64(s.limits.Offers.StreamWindow)/creditShare {
		return false
	}
	stream.credited = stream.consumed
	from := s.lane.writtenPosition()
	frame := s.frame(wire.KindStreamCredit, id, 8)
	s.lane.commit(binary.BigEndian.AppendUint64(frame, uint64(stream.consumed)))
	s.replied(from)
	return true
}

// frame is the beginning of a frame, up to the id, which more bytes follow.
func (s *Streams) frame(kind wire.Kind, id uint32, more int) []byte {
	return binary.BigEndian.AppendUint32(s.lane.frame(kind, 4+more, 0), id)
}

func (s *Streams) abandon() {
	clear(s.open)
	s.ownOpen, s.unconsumed = 0, 0
}

func (s *Streams) overIfEnded(stream *stream) {
	if stream.ended && stream.peerEnded {
		s.over(stream)
	}
}

func (s *Streams) over(stream *stream) {
	s.unconsumed -= stream.received - stream.consumed
	delete(s.open, stream.id)
	if stream.own {
		s.ownOpen--
	}
}

// replied: what was written from that position on is of the peer's causing.
func (s *Streams) replied(from int64) {
	if s.lane.acknowledged > s.repliesFrom {
		s.repliesBytes, s.repliesFrom = 0, from
	}
	s.repliesBytes += s.lane.writtenPosition() - from
}

// checkReplies refuses a peer that has this end write, and acknowledges nothing.
func (s *Streams) checkReplies() error {
	if s.repliesBytes < maxRepliesBytes || s.lane.acknowledged > s.repliesFrom {
		return nil
	}
	return fault.New(fault.WindowExceeded, "the peer has caused %d bytes of resets and credit, and acknowledges nothing", s.repliesBytes)
}
