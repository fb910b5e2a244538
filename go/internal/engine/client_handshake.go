package engine

import (
	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

func refusal(answer wire.Answer) Step { return Step{Output: [][]byte{{byte(answer)}}} }

func (h *Handshake) receiveHello(in *wire.Input) (Step, error) {
	hello, err := wire.DecodeHello(in)
	if err != nil {
		return refusal(wire.Failed), err
	}
	if hello == nil {
		return Step{}, nil
	}
	if hello.Version != wire.ProtocolVersion {
		return refusal(wire.OtherVersion), fault.New(fault.VersionMismatch,
			"the server speaks protocol version %d, this client %d", hello.Version, wire.ProtocolVersion)
	}
	if h.options.demandsEncryption() && !hello.Encrypted {
		return refusal(wire.EncryptionRequired), fault.New(fault.EncryptionRequired,
			"this client insists on encryption and the server has it off")
	}
	step := refusal(wire.Accepted)
	step.Progress = true
	if !hello.Encrypted {
		h.move(plainHello)
		return step, nil
	}
	if h.keyPair, err = h.options.NewKeyPair(); err != nil {
		return refusal(wire.Failed), err
	}
	h.move(encryptedHello)
	return step, nil
}

func (h *Handshake) receiveServerKey(in *wire.Input) (Step, error) {
	agreed, err := h.agree(in)
	if !agreed {
		return Step{}, err
	}
	h.move(serverKey)
	return Step{Progress: true, Output: [][]byte{h.keyPair.PublicKey().Bytes()}}, nil
}

func (h *Handshake) receiveMaximumSize(in *wire.Input) (Step, error) {
	size, err := wire.DecodeMaximumSize(in, h.cipher)
	if size == nil {
		return Step{}, err
	}
	if !h.options.offersNative() || !size.SaysNative(h.nativeNonce()) {
		h.move(maximumSize)
		h.openClassic(int64(size.MaxMessageBytes))
		return Step{Progress: true, Output: [][]byte{{byte(wire.ConfirmClassic)}}}, nil
	}
	h.sizeFrame = size.Frame
	h.goOnNative()
	h.move(nativeMaximumSize)
	return Step{Progress: true, Output: [][]byte{{byte(wire.ConfirmNative)}, h.seal(h.clientHello())}}, nil
}

// nativeNonce is nil if the connection is plain.
func (h *Handshake) nativeNonce() []byte {
	if h.cipher == nil {
		return nil
	}
	return wire.NativeNonce(h.keys())
}

func (h *Handshake) clientHello() *wire.NativeHello {
	hello := h.ownHello(wire.SessionNone)
	ticket := h.options.Resume
	switch {
	case ticket != nil:
		hello = h.resumingHello(ticket)
		hello.ID = ticket.ID
	case h.options.Resumable:
		hello.Session = wire.SessionNew
	}
	return hello
}

func (h *Handshake) receiveServersHello(in *wire.Input) (Step, error) {
	record, err := h.reader.Read(in)
	if record == nil {
		return Step{}, err
	}
	hello, err := wire.DecodeNativeHello(record, wire.ServerSide)
	if err != nil {
		return Step{}, err
	}
	var identity *session.Identity
	ticket := h.options.Resume
	switch hello.Session {
	case wire.SessionRefused:
		return Step{}, refusedBy(hello)
	case wire.SessionNew:
		if ticket == nil && !h.options.Resumable {
			return Step{}, wire.InvalidFrame("a session that can be resumed, which was not asked for")
		}
		identity = h.newIdentity(hello.ID)
	case wire.SessionResume:
		if ticket == nil {
			return Step{}, wire.InvalidFrame("a session resumed that was not asked for")
		}
		if !hello.Proof.Equal(h.proof(wire.ServerSide, ticket, hello.ReceivedIn(ticket.Lanes))) {
			return Step{}, badProof()
		}
	}
	h.move(nativeHello)
	h.openNative(hello, identity)
	return Step{Progress: true}, nil
}
