package engine

import (
	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

func (h *Handshake) receiveAnswer(in *wire.Input) (Step, error) {
	accepted, err := wire.DecodeAnswer(in)
	if !accepted {
		return Step{}, err
	}
	if !h.options.demandsEncryption() {
		h.sizeFrame = wire.EncodeMaximumSize(h.options.MaxMessageBytes, nil, nil, h.options.offersNative())
		h.move(plainAcceptance)
		return Step{Progress: true, Output: [][]byte{h.sizeFrame}}, nil
	}
	// Not before the client has answered: a silent peer must not cause the cost of a key pair for free.
	if h.keyPair, err = h.options.NewKeyPair(); err != nil {
		return Step{}, err
	}
	h.move(encryptedAcceptance)
	return Step{Progress: true, Output: [][]byte{h.keyPair.PublicKey().Bytes()}}, nil
}

func (h *Handshake) receiveClientKey(in *wire.Input) (Step, error) {
	agreed, err := h.agree(in)
	if !agreed {
		return Step{}, err
	}
	nonce := h.nativeNonce()
	if !h.options.offersNative() {
		h.options.Random(nonce)
	}
	h.sizeFrame = wire.EncodeMaximumSize(h.options.MaxMessageBytes, h.cipher, nonce, false)
	h.move(clientKey)
	return Step{Progress: true, Output: [][]byte{h.sizeFrame}}, nil
}

func (h *Handshake) receiveConfirmation(in *wire.Input) (Step, error) {
	part := in.Take(1)
	if part == nil {
		return Step{}, nil
	}
	if wire.Confirmation(part[0]) == wire.ConfirmNative && h.options.offersNative() {
		h.goOnNative()
		h.move(nativeConfirmation)
		return Step{Progress: true}, nil
	}
	h.move(confirmation)
	// A client does not declare its own limit.
	h.openClassic(int64(h.options.MaxMessageBytes))
	return Step{Progress: true}, nil
}

func (h *Handshake) receiveClientsHello(in *wire.Input) (Step, error) {
	record, err := h.reader.Read(in)
	if record == nil && err == nil {
		return Step{}, nil
	}
	if err != nil {
		return h.refuse(err)
	}
	hello, err := wire.DecodeNativeHello(record, wire.ClientSide)
	if err != nil {
		return h.refuse(err)
	}
	h.asked = hello
	if hello.Session == wire.SessionResume {
		h.move(resumingHello)
		return Step{Progress: true, Resume: hello}, nil
	}
	return h.beginSession()
}

// refuse lets the client, too, learn what is wrong.
func (h *Handshake) refuse(err error) (Step, error) {
	return Step{Output: [][]byte{h.seal(h.refusal(err))}}, err
}

// AnswerResume resumes the session of the ticket, which the client wants; without a ticket a new session begins.
// rewindable is the error, if any, that keeps this end from resuming. The step's output must be sent, with or without
// an error.
func (h *Handshake) AnswerResume(ticket *Ticket, rewindable error) (Step, error) {
	if ticket == nil {
		return h.beginSession()
	}
	err := rewindable
	// The proof first: a client without one learns nothing.
	if !h.asked.Proof.Equal(h.proof(wire.ClientSide, ticket, h.asked.ReceivedIn(ticket.Lanes))) {
		err = badProof()
	}
	if err != nil {
		step, err := h.refuse(err)
		h.move(faulty)
		h.Wipe()
		return step, err
	}
	output := h.seal(h.resumingHello(ticket))
	h.move(sessionFound)
	h.openNative(h.asked, nil)
	return Step{Progress: true, Output: [][]byte{output}}, nil
}

// AnswerEnded begins a new session with a client whose session this server has ended, with that code.
func (h *Handshake) AnswerEnded(code fault.Code) (Step, error) {
	h.sessionEnded = code
	return h.beginSession()
}

func (h *Handshake) beginSession() (Step, error) {
	hello := h.ownHello(wire.SessionNone)
	hello.Offers.SessionEnded = string(h.sessionEnded)
	var identity *session.Identity
	if h.asked.Session != wire.SessionNone && h.options.Resumable {
		hello.Session = wire.SessionNew
		h.options.Random(hello.ID[:])
		identity = h.newIdentity(hello.ID)
	}
	output := h.seal(hello)
	if h.state == ServerAwaitsSession {
		h.move(sessionFound)
	} else {
		h.move(nativeHello)
	}
	// The session that the client may have wanted does not exist.
	h.asked.Session = hello.Session
	h.openNative(h.asked, identity)
	return Step{Progress: true, Output: [][]byte{output}}, nil
}
