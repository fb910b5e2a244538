package wire

import (
	"bytes"
	"encoding/binary"

	"sealpipe/internal/fault"
)

// The parts of the handshake in the order in which they are sent. Source: spec/protocol.md, "Handshake".

// ProtocolVersion is the version that all releases of golang-ipc from v1.0.0 to v1.2.4 send.
const ProtocolVersion = 2

// EncodeHello encodes the server's first part.
func EncodeHello(encrypted bool) []byte {
	if encrypted {
		return []byte{ProtocolVersion, 1}
	}
	return []byte{ProtocolVersion, 0}
}

// Hello is the server's first part.
type Hello struct {
	Version   byte
	Encrypted bool
}

// DecodeHello returns the hello, or nil until it is there.
func DecodeHello(in *Input) (*Hello, error) {
	part := in.Take(2)
	if part == nil {
		return nil, nil
	}
	if part[0] == ProtocolVersion && part[1] > 1 {
		return nil, fault.New(fault.HandshakeInvalid,
			"the server's encryption byte is %d, neither 0 nor 1: is this a golang-ipc or sealpipe server?", part[1])
	}
	return &Hello{Version: part[0], Encrypted: part[1] == 1}, nil
}

// Answer is the client's answer to the hello. After anything but Accepted both sides end the connection.
type Answer byte

const (
	Accepted           Answer = 0
	OtherVersion       Answer = 1
	EncryptionRequired Answer = 2
	Failed             Answer = 3
)

// DecodeAnswer reports whether the client has answered; it is an error unless the client has accepted.
func DecodeAnswer(in *Input) (bool, error) {
	part := in.Take(1)
	if part == nil {
		return false, nil
	}
	switch Answer(part[0]) {
	case Accepted:
		return true, nil
	case OtherVersion:
		return false, fault.New(fault.VersionMismatch, "the client does not speak protocol version %d", ProtocolVersion)
	case EncryptionRequired:
		return false, fault.New(fault.EncryptionRequired, "the client insists on encryption, which this server has off")
	default:
		return false, fault.New(fault.HandshakeRejected, "the client refused the handshake with answer %d", part[0])
	}
}

// NativeMagic is what a plain server that speaks native puts after its maximum size: `sealpip1`.
var NativeMagic = []byte("sealpip1")

// EncodeMaximumSize encodes the server's max message size as a frame. With a cipher it is sealed under nonce, by
// which a native server shows that it is native; plain, a native server adds NativeMagic.
func EncodeMaximumSize(maxMessageBytes uint32, cipher *ClassicCipher, nonce []byte, native bool) []byte {
	size := binary.BigEndian.AppendUint32(nil, maxMessageBytes)
	if cipher == nil {
		if native {
			size = append(size, NativeMagic...)
		}
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(size))), size...)
	}
	payload := make([]byte, 0, LengthBytes+len(size)+ClassicOverheadBytes)
	payload = binary.BigEndian.AppendUint32(payload, uint32(len(size)+ClassicOverheadBytes))
	return cipher.appendSealed(payload, nonce, size)
}

// MaximumSize is the server's last part.
type MaximumSize struct {
	MaxMessageBytes uint32
	// Frame is the whole frame, as it was on the wire.
	Frame []byte
}

// DecodeMaximumSize returns the maximum size, or nil until it is there. Anything after its four bytes is ignored.
func DecodeMaximumSize(in *Input, cipher *ClassicCipher) (*MaximumSize, error) {
	bounds := Bounds{Min: 4, Max: maxMaximumSizeBytes, TooLarge: fault.FrameTooLarge, What: "a maximum size"}
	if cipher != nil {
		bounds.Min += ClassicOverheadBytes
	}
	payload, err := in.TakeFrame(bounds)
	if payload == nil {
		return nil, err
	}
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)
	if cipher != nil {
		if payload, err = cipher.Open(payload); err != nil {
			return nil, err
		}
	}
	return &MaximumSize{MaxMessageBytes: binary.BigEndian.Uint32(payload), Frame: frame}, nil
}

// SaysNative reports whether the frame shows that the server speaks native, which an encrypted server shows by this
// nonce.
func (m *MaximumSize) SaysNative(nonce []byte) bool {
	if nonce != nil {
		return bytes.Equal(m.Frame[LengthBytes:LengthBytes+NonceBytes], nonce)
	}
	return bytes.HasPrefix(m.Frame[LengthBytes+4:], NativeMagic)
}

// Confirmation is the client's last byte. It has a meaning only to a server that has shown that it is native.
type Confirmation byte

const (
	ConfirmClassic Confirmation = 0
	ConfirmNative  Confirmation = 1
)
