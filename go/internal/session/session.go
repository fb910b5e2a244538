package session

import (
	"sealpipe/internal/wire"
)

// Identity identifies a session that can be resumed.
type Identity struct {
	ID wire.SessionID
	// ResumptionKey belongs to the session, which wipes it.
	ResumptionKey []byte
}

// Session is everything between two native ends that is not settled yet. What is sent without a connection waits.
type Session struct {
	in                  incoming
	out                 outgoing
	maxMessageBytes     int
	peerMaxMessageBytes int64
	identity            *Identity
	// features are those of both ends; streams is nil unless both ends have them.
	features wire.Features
	streams  *Streams
	// handling are the peer's requests that it waits for, and early the cancels of those to come.
	handling map[uint32]struct{}
	early    EarlyCancels
}

// Limits are what this end takes, as its hellos say.
type Limits struct {
	Side            wire.Side
	MaxMessageBytes int
	// Windows are what this end accepts in each lane before it acknowledges.
	Windows [3]uint32
	Offers  *wire.Offers
}

// New begins a session with a peer that has those features; none for one in which things wait for a peer.
func New(limits Limits, peer wire.Features) *Session {
	s := &Session{in: newIncoming(limits.MaxMessageBytes, limits.Windows), handling: map[uint32]struct{}{}}
	s.out.lanes[messages].ordered, s.out.lanes[streams].ordered = true, true
	s.maxMessageBytes, s.peerMaxMessageBytes = limits.MaxMessageBytes, int64(limits.MaxMessageBytes)
	s.in.lanes[streams].window = int64(limits.Offers.StreamLaneWindow)
	s.features = peer & limits.Offers.Features
	s.in.features = s.features
	if limits.Side == wire.ClientSide {
		// Only a client asks a server's library.
		s.in.features &^= wire.FeatureAdmin
	}
	if s.features&wire.FeatureStreams != 0 {
		s.streams = newStreams(limits, s.features, &s.out.lanes[streams])
		s.in.streams = &incomingStreams{streams: s.streams}
	}
	return s
}

// MaxDataBytes is the most of a message that both ends take.
func (s *Session) MaxDataBytes() int {
	return int(min(int64(s.maxMessageBytes), s.peerMaxMessageBytes))
}

// Streams are nil unless both ends have them.
func (s *Session) Streams() *Streams { return s.streams }

// Lanes is how many the session has: positions are of as many.
func (s *Session) Lanes() int {
	if s.streams == nil {
		return wire.LanesOfAll
	}
	return wire.LanesWithStreams
}

// Identity is nil if the session ends with its connection.
func (s *Session) Identity() *Identity { return s.identity }

// Attach begins the session, or resumes it with the same peer on another connection, as its hello says.
func (s *Session) Attach(peer *wire.NativeHello, identity *Identity) {
	s.identity = identity
	s.peerMaxMessageBytes = int64(peer.MaxMessageBytes)
	for index, window := range peer.Windows {
		s.out.lanes[index].window = int64(window)
	}
	if s.streams != nil && peer.Offers != nil {
		s.out.lanes[streams].window = int64(peer.Offers.StreamLaneWindow)
		s.streams.attach(peer)
	}
	for index := range s.in.lanes {
		// The last acknowledgement may not have reached the peer.
		s.in.lanes[index].acknowledged = 0
	}
	s.out.firstLane = messages
	// Whoever had them may not have heard of the end of its connection.
	s.out.forgetLent()
}

// Received is how far each lane's frames have arrived.
func (s *Session) Received() (received wire.Positions) {
	for index := range s.in.lanes {
		received[index] = s.in.lanes[index].received
	}
	return received
}

// CheckRewind changes nothing; it is an error if Rewind could not go on from there.
func (s *Session) CheckRewind(peer *wire.NativeHello) error {
	return s.out.checkRewind(peer.ReceivedIn(s.Lanes()))
}

// Rewind goes on, on another connection, after what the peer has received, as its hello says.
func (s *Session) Rewind(peer *wire.NativeHello) error {
	received := peer.ReceivedIn(s.Lanes())
	if err := s.out.checkRewind(received); err != nil {
		return err
	}
	s.out.rewind(received)
	return nil
}

// Receive reads a frame of one of the lanes, of any kind from 0x10 on. A request that was cancelled before it arrived
// causes no event, nor does a cancel of one that is not being handled.
func (s *Session) Receive(frame []byte, event *Event) error {
	if err := s.in.receive(frame, event); err != nil {
		return err
	}
	switch event.Kind {
	case RequestEvent:
		return s.requestCame(event)
	case CancelEvent:
		if _, handled := s.handling[event.ID]; handled {
			delete(s.handling, event.ID)
		} else {
			s.early.Add(event.ID)
			event.Kind = NoEvent
		}
	}
	return nil
}

func (s *Session) requestCame(event *Event) error {
	_, handled := s.handling[event.ID]
	if err := checkRequestID(event.ID, handled); err != nil {
		return err
	}
	if s.early.Arrived(event.ID) {
		s.in.lanes[requests].release()
		event.Kind = NoEvent
		return nil
	}
	s.handling[event.ID] = struct{}{}
	return nil
}

// ConsumeMessage: the application has consumed the message with that position. It consumes in order.
func (s *Session) ConsumeMessage(position int64) { s.in.lanes[messages].consume(position) }

// ConsumeRequest is the same for a request, whose handler starts or will not run.
func (s *Session) ConsumeRequest(position int64) { s.in.lanes[requests].consume(position) }

// Idle is called when nothing was received for some time: memory that nothing uses is dropped.
func (s *Session) Idle() { s.in.memory.drop() }

// Acknowledged processes how far the peer has consumed each lane.
func (s *Session) Acknowledged(consumed wire.Positions) error { return s.out.acknowledge(consumed) }

// AllConsumed reports whether the application has consumed everything that has arrived.
func (s *Session) AllConsumed() bool { return s.in.allConsumed() }

// HasNews: something is consumed and not acknowledged. HasNotableNews: it is enough to acknowledge in a record that
// is sent anyway. HasUrgentNews: the peer may soon have to wait for the acknowledgement.
func (s *Session) HasNews() bool        { return s.in.any((*receiveLane).hasNews) }
func (s *Session) HasNotableNews() bool { return s.in.any((*receiveLane).hasNotableNews) }
func (s *Session) HasUrgentNews() bool  { return s.in.any((*receiveLane).hasUrgentNews) }

// Acknowledge returns the positions to send to the peer, which then count as acknowledged.
func (s *Session) Acknowledge() (consumed wire.Positions) {
	for index := range s.in.lanes {
		lane := &s.in.lanes[index]
		lane.acknowledged = lane.consumed
		consumed[index] = lane.consumed
	}
	return consumed
}

// EachBody visits the large bodies under way, with whether their lane's window holds the peer up.
func (s *Session) EachBody(visit func(body *IncomingBody, held bool)) {
	for index := range s.in.bodies {
		for _, body := range s.in.bodies[index].underWay {
			visit(body, s.in.lanes[index].isFull())
		}
	}
}

// HasBodies: some large body is under way.
func (s *Session) HasBodies() bool {
	for index := range s.in.bodies {
		if len(s.in.bodies[index].underWay) > 0 {
			return true
		}
	}
	return false
}

// AppendFrames appends what is to be sent of the lanes to a record, as far as windows and room allow.
func (s *Session) AppendFrames(record []byte) []byte { return s.out.appendFrames(record) }

// LendFrame is a whole frame that is to be the only one of its record, or nil: AppendFrames has what is next then. The frame stays
// as it is until FramesSealed.
func (s *Session) LendFrame() []byte { return s.out.lendFrame() }

// FramesSealed: what was lent is not needed any more.
func (s *Session) FramesSealed() { s.out.returnFrames() }

// AllSent: nothing waits to be sent, on this connection either.
func (s *Session) AllSent() bool { return s.out.allSent() }

// CanSend: AppendFrames would append something.
func (s *Session) CanSend() bool { return s.out.canSend() }

// QueuedBytes is the weight of what waits, or was sent and is not acknowledged; of all lanes, and of one.
func (s *Session) QueuedBytes() int64        { return s.out.queuedBytes() }
func (s *Session) QueuedMessageBytes() int64 { return s.out.lanes[messages].queuedBytes() }
func (s *Session) QueuedRequestBytes() int64 { return s.out.lanes[requests].queuedBytes() }
func (s *Session) QueuedAnswerBytes() int64  { return s.out.lanes[answers].queuedBytes() }
func (s *Session) QueuedStreamBytes() int64  { return s.out.lanes[streams].queuedBytes() }

// UnsentBytes is the weight of what waits to be sent.
func (s *Session) UnsentBytes() int64 { return s.out.unsentBytes() }

// KeptBytes is what the session keeps besides: bodies under way, requests that wait for a handler, and unread items.
func (s *Session) KeptBytes() int64 {
	lane := &s.in.lanes[requests]
	bytes := lane.received - lane.consumed
	for index := range s.in.bodies {
		bytes += s.in.bodies[index].bytes()
	}
	if s.streams != nil {
		bytes += s.streams.unconsumed
	}
	return bytes
}

// SettledBytes is the weight of all that was sent and acknowledged, or received and consumed.
func (s *Session) SettledBytes() (bytes int64) {
	for index := range s.out.lanes {
		bytes += s.out.lanes[index].acknowledged + s.in.lanes[index].consumed
	}
	return bytes
}

// ForgetIdentity makes the session end with its connection: nobody may resume it.
func (s *Session) ForgetIdentity() {
	if s.identity != nil {
		clear(s.identity.ResumptionKey)
		s.identity = nil
	}
}

// Abandon gives the session up. Answers, cancels and streams mean nothing in another session and are dropped.
func (s *Session) Abandon() Leftovers {
	s.ForgetIdentity()
	s.in.memory.drop()
	sent, unsent := s.out.lanes[messages].drain()
	_, unsentRequests := s.out.lanes[requests].drain()
	s.out.lanes[answers].drain()
	s.out.lanes[streams].drain()
	if s.streams != nil {
		s.streams.abandon()
	}
	return Leftovers{
		Unacknowledged: messagesOf(sent), Unsent: messagesOf(unsent), UnsentRequests: requestsOf(unsentRequests),
	}
}
