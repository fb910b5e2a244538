package session

import (
	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

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

// CheckPeerTakes is an error if the peer has declared that it does not accept such a message.
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

// SendMessage queues a message. Here and in all calls below, data is not used after the call.
func (s *Session) SendMessage(msgType uint32, data []byte) error {
	if err := s.check(msgType, len(data)); err != nil {
		return err
	}
	s.out.message(msgType, data)
	return nil
}

// SendRequest queues a request. A peer that cannot read its trace gets it without.
func (s *Session) SendRequest(r Request) error {
	if err := s.check(r.Type, len(r.Data)); err != nil {
		return err
	}
	if s.features&wire.FeatureContext == 0 {
		r.Trace = nil
	}
	s.out.request(&r)
	return nil
}

// SendAdmin queues a request to the peer's library, whose data are at most wire.MaxAdminBytes.
func (s *Session) SendAdmin(id uint32, operation wire.Operation, data []byte) error {
	if s.features&wire.FeatureAdmin == 0 {
		return fault.New(fault.PeerWithoutAdmin, "the server's library answers no requests to itself")
	}
	s.out.admin(id, operation, data)
	return nil
}

// SendAnswer queues the answer to a request of the peer.
func (s *Session) SendAnswer(id uint32, data []byte) error {
	if err := s.check(1, len(data)); err != nil {
		return err
	}
	delete(s.handling, id)
	s.out.answer(id, data)
	return nil
}

// SendFailure queues a failed answer. The code is one that wire.IsFailureCode; the data, at most wire.MaxFailureDataBytes, are
// sent only to a peer that can read them. Nil data are none.
func (s *Session) SendFailure(id uint32, code, message string, data []byte) {
	delete(s.handling, id)
	if data == nil || s.features&wire.FeatureFailureData == 0 {
		s.out.failure(id, code, message)
		return
	}
	s.out.failureWithData(id, code, message, data)
}

// SendCancel cancels a request of this end: nobody waits for the answer any more.
func (s *Session) SendCancel(id uint32) { s.out.cancel(id) }
