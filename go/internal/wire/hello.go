package wire

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// Source: spec/protocol.md, "Native hello".

const (
	// MinWindow and MaxWindow are what a hello may say of a lane's window.
	MinWindow = 65_536
	MaxWindow = 2_147_483_647
	// MaxTextBytes is the longest of a hello's texts, in UTF-8.
	MaxTextBytes = 255
)

// SessionID is what a session is known by.
type SessionID [16]byte

// Proof shows that a side had part in a session.
type Proof [32]byte

// PeerInfo is what an end tells of the process that it is in.
type PeerInfo struct {
	PID uint32
	// Library is the library and its version, such as sealpipe/0.1.0.
	Library string
	// Application and ApplicationVersion are what the application calls itself; empty if it does not.
	Application, ApplicationVersion string
}

// SessionWish is what a hello says of the session. The client's numbers and the server's mean different things:
// Source: spec/protocol.md, the table in "Native hello".
type SessionWish byte

const (
	SessionNone   SessionWish = 0
	SessionNew    SessionWish = 1
	SessionResume SessionWish = 2
	// SessionRefused is a server's: it ends the connection, for what the code says.
	SessionRefused SessionWish = 3
)

// NativeHello is what each side says first on the native profile.
type NativeHello struct {
	MaxMessageBytes uint32
	// Windows are how much of each lane the sender takes before it acknowledges.
	Windows [3]uint32
	Peer    PeerInfo

	Session SessionWish
	// ID is that of a new session, from the server, and of the one to resume, from the client.
	ID SessionID
	// Received and Proof are there with SessionResume. Received has three lanes: that of streams is in the Offers.
	Received Positions
	Proof    Proof
	// RefusalCode and RefusalText are there with SessionRefused.
	RefusalCode, RefusalText string

	// Offers is nil in the hello of an end from before there were features, which offers none.
	Offers *Offers
}

// Encode makes the whole frame of a hello from that side.
func (h *NativeHello) Encode(from Side) []byte {
	body := binary.BigEndian.AppendUint32(nil, h.MaxMessageBytes)
	for _, window := range h.Windows {
		body = binary.BigEndian.AppendUint32(body, window)
	}
	body = binary.BigEndian.AppendUint32(body, h.Peer.PID)
	for _, text := range []string{h.Peer.Library, h.Peer.Application, h.Peer.ApplicationVersion} {
		body = appendText(body, text)
	}
	body = append(body, byte(h.Session))
	if h.hasID(from) {
		body = append(body, h.ID[:]...)
	}
	if h.Session == SessionResume {
		body = append(h.Received.append(body, LanesOfAll), h.Proof[:]...)
	}
	if h.isRefusal(from) {
		body = appendText(appendText(body, h.RefusalCode), h.RefusalText)
	}
	if h.Offers != nil {
		body = h.Offers.append(body)
	}
	return append(AppendFrameHeader(nil, KindHello, len(body)), body...)
}

// ReceivedIn is how far the sender has received, in a session of that number of lanes.
func (h *NativeHello) ReceivedIn(lanes int) Positions {
	received := h.Received
	if lanes == LanesWithStreams && h.Offers != nil {
		received[LanesOfAll] = h.Offers.ReceivedStreams
	}
	return received
}

// Features are those that the sender has.
func (h *NativeHello) Features() Features {
	if h.Offers == nil {
		return 0
	}
	return h.Offers.Features
}

func appendText(dst []byte, text string) []byte {
	if len(text) > MaxTextBytes {
		panic(fmt.Sprintf("a hello has no room for %d bytes of text", len(text)))
	}
	return append(append(dst, byte(len(text))), text...)
}

func (h *NativeHello) isRefusal(from Side) bool {
	return from == ServerSide && h.Session == SessionRefused
}

func (h *NativeHello) hasID(from Side) bool {
	return (from == ClientSide && h.Session == SessionResume) || (from == ServerSide && h.Session == SessionNew)
}

// DecodeNativeHello reads the hello that is all of that side's first record. It keeps nothing of the record.
func DecodeNativeHello(record []byte, from Side) (*NativeHello, error) {
	frame, rest, err := CutFrame(record)
	if err != nil || len(rest) > 0 || Kind(frame[0]) != KindHello {
		return nil, InvalidFrame("something else than a hello at first")
	}
	return decodeHelloBody(frame[FrameHeaderBytes:], from)
}

func decodeHelloBody(body []byte, from Side) (*NativeHello, error) {
	fields := fields{rest: body}
	hello := &NativeHello{MaxMessageBytes: fields.uint32()}
	for lane := range hello.Windows {
		hello.Windows[lane] = fields.uint32()
	}
	hello.Peer.PID = fields.uint32()
	hello.Peer.Library = fields.text()
	hello.Peer.Application = fields.text()
	hello.Peer.ApplicationVersion = fields.text()
	hello.Session = SessionWish(fields.byte())
	if hello.hasID(from) {
		copy(hello.ID[:], fields.take(len(hello.ID)))
	}
	if hello.Session == SessionResume {
		hello.Received = fields.positions()
		copy(hello.Proof[:], fields.take(len(hello.Proof)))
	}
	if hello.isRefusal(from) {
		hello.RefusalCode, hello.RefusalText = fields.text(), fields.text()
	}
	if fields.err == nil {
		fields.err = hello.objection(from)
	}
	if fields.err == nil && len(fields.rest) > 0 {
		hello.Offers = readOffers(&fields, from)
	}
	if fields.err != nil {
		return nil, fields.err
	}
	return hello, nil
}

func (h *NativeHello) objection(from Side) error {
	if h.isRefusal(from) {
		if !IsFailureCode(h.RefusalCode) {
			return InvalidFrame("a refusal without a code")
		}
	} else if h.Session > SessionResume {
		return InvalidFrame("a hello with an unknown kind of session")
	}
	for _, window := range h.Windows {
		if err := checkWindow(window); err != nil {
			return err
		}
	}
	return nil
}

func checkWindow(window uint32) error {
	if window < MinWindow || window > MaxWindow {
		return InvalidFrame(fmt.Sprintf("a hello with a window of %d bytes", window))
	}
	return nil
}

// fields reads a body from its start to its end, and remembers the first thing that is wrong with it.
type fields struct {
	rest []byte
	err  error
}

func (f *fields) take(count int) []byte {
	if f.err == nil && count > len(f.rest) {
		f.err = InvalidFrame("a hello that is cut short")
	}
	if f.err != nil {
		return make([]byte, count)
	}
	part := f.rest[:count]
	f.rest = f.rest[count:]
	return part
}

func (f *fields) byte() byte { return f.take(1)[0] }

func (f *fields) uint32() uint32 { return binary.BigEndian.Uint32(f.take(4)) }

func (f *fields) text() string {
	part := f.take(int(f.byte()))
	if f.err == nil && !utf8.Valid(part) {
		f.err = InvalidFrame("a hello with a text that is no UTF-8")
	}
	return string(part)
}

func (f *fields) positions() Positions {
	positions, err := DecodePositions(f.take(positionBytes*LanesOfAll), LanesOfAll)
	if f.err == nil {
		f.err = err
	}
	return positions
}
