package session

import (
	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

// Identity is what a session that can be resumed is known by.
type Identity struct {
	ID wire.SessionID
	// ResumptionKey is the session's own: it wipes it.
	ResumptionKey []byte
}

// Session is what two native ends have said to each other and not settled yet. What is sent without a connection waits.
type Session struct {
	in                  incoming
	out                 outgoing
	maxMessageBytes     int
	peerMaxMessageBytes int64
	identity            *Identity
	// handling are the peer's requests that it waits for, and early the cancels of those to come.
	handling map[uint32]struct{}
	early    EarlyCancels
}

// New begins a session. The windows are what this end takes in each lane before it acknowledges.
func New(maxMessageBytes int, windows [3]uint32) *Session {
	s := &Session{in: newIncoming(maxMessageBytes, windows), handling: map[uint32]struct{}{}}
	s.out.lanes[messages].ordered = true
	s.maxMessageBytes, s.peerMaxMessageBytes = maxMessageBytes, int64(maxMessageBytes)
	return s
}

// Identity is nil if the session ends with its connection.
func (s *Session) Identity() *Identity { return s.identity }

// Attach begins, or goes on with the same peer on another connection, as its hello says.
func (s *Session) Attach(peer *wire.NativeHello, identity *Identity) {
	s.identity = identity
	s.peerMaxMessageBytes = int64(peer.MaxMessageBytes)
	for index := range s.out.lanes {
		s.out.lanes[index].window = int64(peer.Windows[index])
		// The last acknowledgement may not have reached the peer.
		s.in.lanes[index].acknowledged = 0
	}
	s.out.firstLane = messages
}

// Received is how far each lane's frames have arrived.
func (s *Session) Received() wire.Positions {
	return wire.Positions{s.in.lanes[messages].received, s.in.lanes[requests].received, s.in.lanes[answers].received}
}

// CheckRewind changes nothing; it is an error if Rewind could not go on from there.
func (s *Session) CheckRewind(received wire.Positions) error { return s.out.checkRewind(received) }

// Rewind goes on, on another connection, after what the peer has received.
func (s *Session) Rewind(received wire.Positions) error {
	if err := s.out.checkRewind(received); err != nil {
		return err
	}
	s.out.rewind(received)
	return nil
}

// CheckMessage is an error if no session of an end with that limit could send such a message.
func CheckMessage(msgType uint32, dataBytes, maxMessageBytes int) error {
	if msgType == 0 {
		return fault.New(fault.ReservedType, "message type 0 is reserved; use 1 to 4294967295")
	}
	if dataBytes > maxMessageBytes {
		return fault.New(fault.MessageTooLarge, "a message of %d bytes is over MaxMessageBytes (%d)", dataBytes, maxMessageBytes)
	}
	return nil
}

// CheckPeerTakes is an error if the peer has said that it does not take such a message.
func CheckPeerTakes(dataBytes int, peerMaxMessageBytes int64) error {
	if int64(dataBytes) > peerMaxMessageBytes {
		return fault.New(fault.TooLargeForPeer, "a message of %d bytes is over the peer's limit (%d)", dataBytes, peerMaxMessageBytes)
	}
	return nil
}

func (s *Session) check(msgType uint32, dataBytes int) error {
	if err := CheckMessage(msgType, dataBytes, s.maxMessageBytes); err != nil {
		return err
	}
	return CheckPeerTakes(dataBytes, s.peerMaxMessageBytes)
}

// SendMessage queues a message. Nothing of data is needed after the call, of this and of all that follow.
func (s *Session) SendMessage(msgType uint32, data []byte) error {
	if err := s.check(msgType, len(data)); err != nil {
		return err
	}
	s.out.message(msgType, data)
	return nil
}

// SendRequest queues a request.
func (s *Session) SendRequest(id, requestType uint32, data []byte) error {
	if err := s.check(requestType, len(data)); err != nil {
		return err
	}
	s.out.request(id, requestType, data)
	return nil
}

// SendAnswer queues the answer of a request of the peer's.
func (s *Session) SendAnswer(id uint32, data []byte) error {
	if err := s.check(1, len(data)); err != nil {
		return err
	}
	delete(s.handling, id)
	s.out.answer(id, data)
	return nil
}

// SendFailure queues a failed answer. The code is one that wire.IsFailureCode.
func (s *Session) SendFailure(id uint32, code, message string) {
	delete(s.handling, id)
	s.out.failure(id, code, message)
}

// SendCancel says that nobody waits for the answer any more.
func (s *Session) SendCancel(id uint32) { s.out.cancel(id) }

// Receive reads a frame of one of the lanes, of any kind from 0x10 on. A request that was cancelled before it came is no event,
// nor is a cancel of one that is not being handled.
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

// ConsumeMessage says that the application has consumed the message of that position; they are consumed in order.
func (s *Session) ConsumeMessage(position int64) { s.in.lanes[messages].consume(position) }

// ConsumeRequest is the same of a request, whose handler starts or will not.
func (s *Session) ConsumeRequest(position int64) { s.in.lanes[requests].consume(position) }

// Acknowledged is told how far the peer has consumed each lane.
func (s *Session) Acknowledged(consumed wire.Positions) error { return s.out.acknowledge(consumed) }

// AllConsumed: the application has everything that has arrived.
func (s *Session) AllConsumed() bool { return s.in.allConsumed() }

// HasNews: something was consumed that the peer does not know of. HasNotableNews: it is worth to go with something else.
// HasUrgentNews: the peer may have to wait for it.
func (s *Session) HasNews() bool        { return s.in.any((*receiveLane).hasNews) }
func (s *Session) HasNotableNews() bool { return s.in.any((*receiveLane).hasNotableNews) }
func (s *Session) HasUrgentNews() bool  { return s.in.any((*receiveLane).hasUrgentNews) }

// Acknowledge gives the positions to tell the peer, which then count as told.
func (s *Session) Acknowledge() (consumed wire.Positions) {
	for index := range s.in.lanes {
		lane := &s.in.lanes[index]
		lane.acknowledged = lane.consumed
		consumed[index] = lane.consumed
	}
	return consumed
}

// EachBody visits the large bodies under way, and says whether their lane's window keeps the peer from going on.
func (s *Session) EachBody(visit func(body *IncomingBody, held bool)) {
	for index := range s.in.bodies {
		for _, body := range s.in.bodies[index].underWay {
			visit(body, s.in.lanes[index].isFull())
		}
	}
}

// HasBodies: some large body is under way.
func (s *Session) HasBodies() bool {
	return len(s.in.bodies[messages].underWay)+len(s.in.bodies[requests].underWay)+len(s.in.bodies[answers].underWay) > 0
}

// AppendFrames appends what is to be sent of the lanes to a record, as far as windows and room allow.
func (s *Session) AppendFrames(record []byte) []byte { return s.out.appendFrames(record) }

// AllSent: nothing waits to be sent, on this connection either.
func (s *Session) AllSent() bool { return s.out.allSent() }

// CanSend: AppendFrames would append something.
func (s *Session) CanSend() bool {
	return s.out.nextBytes(messages) > 0 || s.out.nextBytes(requests) > 0 || s.out.nextBytes(answers) > 0
}

// QueuedBytes is the weight of what waits, or was sent and is not acknowledged; of all lanes, and of one.
func (s *Session) QueuedBytes() int64        { return s.out.queuedBytes() }
func (s *Session) QueuedMessageBytes() int64 { return s.out.lanes[messages].queuedBytes() }
func (s *Session) QueuedRequestBytes() int64 { return s.out.lanes[requests].queuedBytes() }
func (s *Session) QueuedAnswerBytes() int64  { return s.out.lanes[answers].queuedBytes() }

// UnsentBytes is the weight of what waits to be sent.
func (s *Session) UnsentBytes() int64 { return s.out.unsentBytes() }

// KeptBytes is what the session keeps besides: bodies under way, and requests that wait for a handler.
func (s *Session) KeptBytes() int64 {
	lane := &s.in.lanes[requests]
	return s.in.bodies[messages].bytes() + s.in.bodies[requests].bytes() + s.in.bodies[answers].bytes() +
		lane.received - lane.consumed
}

// SettledBytes is the weight of all that was sent and acknowledged, or received and consumed.
func (s *Session) SettledBytes() (bytes int64) {
	for index := range s.out.lanes {
		bytes += s.out.lanes[index].acknowledged + s.in.lanes[index].consumed
	}
	return bytes
}

// ForgetIdentity: the session ends with its connection, as nobody is to come back to it any more.
func (s *Session) ForgetIdentity() {
	if s.identity != nil {
		clear(s.identity.ResumptionKey)
		s.identity = nil
	}
}

// Abandon gives the session up. Answers and cancels mean nothing to anyone else and are dropped.
func (s *Session) Abandon() Leftovers {
	s.ForgetIdentity()
	sent, unsent := s.out.lanes[messages].drain()
	_, unsentRequests := s.out.lanes[requests].drain()
	s.out.lanes[answers].drain()
	return Leftovers{
		Unacknowledged: messagesOf(sent), Unsent: messagesOf(unsent), UnsentRequests: requestsOf(unsentRequests),
	}
}
