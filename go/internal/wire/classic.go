package wire

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"

	"sealpipe/internal/fault"
)

const (
	// NonceBytes and TagBytes are those of AEAD_AES_256_GCM (RFC 5116).
	NonceBytes = 12
	TagBytes   = 16
	// ClassicOverheadBytes is what sealing adds to a classic payload.
	ClassicOverheadBytes = NonceBytes + TagBytes
)

// ClassicCipher seals and opens the payloads of one classic connection. Source: spec/protocol.md, "Sealed payload".
type ClassicCipher struct{ aead cipher.AEAD }

// NewClassicCipher makes a cipher of a traffic key.
func NewClassicCipher(key []byte) *ClassicCipher { return &ClassicCipher{newGCM(key)} }

func newGCM(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // The length is ours.
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// Open opens a payload in place. It has at least ClassicOverheadBytes.
func (c *ClassicCipher) Open(payload []byte) ([]byte, error) {
	nonce, sealed := payload[:NonceBytes], payload[NonceBytes:]
	plain, err := c.aead.Open(sealed[:0], nonce, sealed, nil)
	if err != nil {
		return nil, fault.New(fault.DecryptionFailed, "a message could not be opened: it was changed on its way, or sealed with another key")
	}
	return plain, nil
}

func (c *ClassicCipher) appendSealed(dst, nonce, plain []byte) []byte {
	return c.aead.Seal(append(dst, nonce...), nonce, plain, nil)
}

// AppendClassicFrame appends a message's frame. With a cipher it leaves room for the nonce and the tag, which
// SealClassicFrames fills in.
func AppendClassicFrame(dst []byte, encrypted bool, msgType uint32, data []byte) []byte {
	if !encrypted {
		dst = binary.BigEndian.AppendUint32(dst, uint32(TypeBytes+len(data)))
		dst = binary.BigEndian.AppendUint32(dst, msgType)
		return append(dst, data...)
	}
	var room [TagBytes]byte
	dst = binary.BigEndian.AppendUint32(dst, uint32(ClassicOverheadBytes+TypeBytes+len(data)))
	dst = append(dst, room[:NonceBytes]...)
	dst = binary.BigEndian.AppendUint32(dst, msgType)
	dst = append(dst, data...)
	return append(dst, room[:]...)
}

// SealClassicFrames seals a run of frames in place, each under a nonce of its own from random.
func (c *ClassicCipher) SealClassicFrames(frames []byte, random func([]byte)) {
	for len(frames) > 0 {
		length := int(binary.BigEndian.Uint32(frames))
		payload := frames[LengthBytes : LengthBytes+length]
		frames = frames[LengthBytes+length:]
		nonce, rest := payload[:NonceBytes], payload[NonceBytes:]
		random(nonce)
		c.aead.Seal(rest[:0], nonce, rest[:len(rest)-TagBytes], nil)
	}
}

// ClassicBounds are the lengths that a message's payload may have.
func ClassicBounds(encrypted bool, maxMessageBytes int) Bounds {
	overhead := TypeBytes
	if encrypted {
		overhead += ClassicOverheadBytes
	}
	return Bounds{Min: overhead, Max: overhead + maxMessageBytes, TooLarge: fault.PeerMessageTooLarge, What: "a message's frame"}
}
