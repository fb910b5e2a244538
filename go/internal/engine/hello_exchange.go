package engine

import (
	"bytes"
	"errors"
	"strings"

	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

func (h *Handshake) ownHello(wish wire.SessionWish) *wire.NativeHello {
	offers := *h.options.Offers
	return &wire.NativeHello{
		MaxMessageBytes: h.options.MaxMessageBytes, Windows: h.options.Windows, Peer: h.options.Self, Session: wish,
		Offers: &offers,
	}
}

// resumingHello is one that resumes the session of the ticket, as that side says it.
func (h *Handshake) resumingHello(ticket *Ticket) *wire.NativeHello {
	hello := h.ownHello(wire.SessionResume)
	hello.Received = ticket.Received
	hello.Offers.ReceivedStreams = ticket.Received[wire.LanesOfAll]
	hello.Proof = h.proof(h.options.Role, ticket, ticket.Received)
	return hello
}

// seal makes this side's first record.
func (h *Handshake) seal(hello *wire.NativeHello) []byte {
	record := append(make([]byte, wire.LengthBytes), hello.Encode(h.options.Role)...)
	record = h.writer.FinishRecord(record, 0)
	h.writer.Seal(record)
	return record
}

func (h *Handshake) proof(side wire.Side, ticket *Ticket, received wire.Positions) wire.Proof {
	return wire.ResumptionProof(side, ticket.ResumptionKey, h.transcript, ticket.ID, received[:ticket.Lanes])
}

// refusal is a hello from which the client, too, learns what is wrong.
func (h *Handshake) refusal(err error) *wire.NativeHello {
	hello := h.ownHello(wire.SessionRefused)
	hello.RefusalCode, hello.RefusalText = string(fault.HandshakeRejected), err.Error()
	var known *fault.Error
	if errors.As(err, &known) {
		hello.RefusalCode, hello.RefusalText = string(known.Code), known.Message
	}
	hello.RefusalText = strings.ToValidUTF8(hello.RefusalText[:min(len(hello.RefusalText), wire.MaxTextBytes)], "")
	return hello
}

// refusedBy is the error for which a server's hello refuses this end's. A server may use only these codes.
func refusedBy(hello *wire.NativeHello) error {
	code := fault.Code(hello.RefusalCode)
	switch code {
	case fault.FrameInvalid, fault.FrameTooShort, fault.FrameTooLarge, fault.AuthenticationFailed:
	default:
		code = fault.HandshakeRejected
	}
	return fault.New(code, "the server refused this end's hello, with %s: %s", hello.RefusalCode, hello.RefusalText)
}

func badProof() error {
	return fault.New(fault.AuthenticationFailed, "the peer has not had part in the session that it wants to resume")
}

func (h *Handshake) newIdentity(id wire.SessionID) *session.Identity {
	if h.resumption == nil {
		return &session.Identity{ID: id, ResumptionKey: wire.PlainResumptionKey(id)}
	}
	// A copy: the original is wiped when the hellos are over.
	return &session.Identity{ID: id, ResumptionKey: bytes.Clone(h.resumption)}
}

func (h *Handshake) openNative(hello *wire.NativeHello, identity *session.Identity) {
	h.Opened = &Opened{
		Profile: Native, Encrypted: h.transcript != nil, Reader: h.reader, Writer: h.writer, Hello: hello,
		Identity: identity, Resumed: hello.Session == wire.SessionResume,
	}
	h.Wipe()
}
