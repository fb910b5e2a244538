package engine

import (
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
	// Not before the client has answered: a key pair costs what a silent peer must not get for free.
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
	// A client says nothing of its own limit.
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

// refuse has the client, too, find out what is wrong.
func (h *Handshake) refuse(err error) (Step, error) {
	return Step{Output: [][]byte{h.seal(h.refusal(err))}}, err
}

// AnswerResume goes on with the session that the client has asked for, of which the ticket tells; nil if there is none, and
// then a new one begins. rewindable is what keeps our side of it from going on. The step's output is to be sent, whether or
// not there is an error.
func (h *Handshake) AnswerResume(ticket *Ticket, rewindable error) (Step, error) {
	if ticket == nil {
		return h.beginSession()
	}
	err := rewindable
	// The proof first: who has none is told nothing.
	if !h.asked.Proof.Equal(h.proof(wire.ClientSide, &ticket.Identity, h.asked.Received)) {
		err = badProof()
	}
	if err != nil {
		step, err := h.refuse(err)
		h.move(faulty)
		h.Wipe()
		return step, err
	}
	hello := h.ownHello(wire.SessionResume)
	hello.Received = ticket.Received
	hello.Proof = h.proof(wire.ServerSide, &ticket.Identity, ticket.Received)
	output := h.seal(hello)
	h.move(sessionFound)
	h.openNative(h.asked, nil)
	return Step{Progress: true, Output: [][]byte{output}}, nil
}

func (h *Handshake) beginSession() (Step, error) {
	hello := h.ownHello(wire.SessionNone)
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
	// What it may have wanted to go on with is not there.
	h.asked.Session = hello.Session
	h.openNative(h.asked, identity)
	return Step{Progress: true, Output: [][]byte{output}}, nil
}
