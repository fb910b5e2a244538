package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// hexBytes stand in JSON as lower-case hex.
type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) {
	return []byte(hex.EncodeToString(b)), nil
}

func (b *hexBytes) UnmarshalText(text []byte) error {
	decoded, err := hex.DecodeString(string(text))
	*b = decoded
	return err
}

const (
	lengthBytes           = 4
	nonceBytes            = 12
	tagBytes              = 16
	typeBytes             = 4
	sealBytes             = nonceBytes + tagBytes
	defaultMaximumMessage = 3145728
)

func uint32Bytes(value uint32) []byte { return binary.BigEndian.AppendUint32(nil, value) }

func uint64Bytes(value uint64) []byte { return binary.BigEndian.AppendUint64(nil, value) }

// uint24Bytes is the length of a native frame's body.
func uint24Bytes(value int) []byte { return uint32Bytes(uint32(value))[1:] }

func join(parts ...[]byte) []byte {
	var joined []byte
	for _, part := range parts {
		joined = append(joined, part...)
	}
	return joined
}

// frame puts the length in front of a payload.
func frame(payload []byte) []byte {
	return join(uint32Bytes(uint32(len(payload))), payload)
}

// message is what a frame carries where nothing is encrypted.
func message(messageType uint32, data []byte) []byte {
	return join(uint32Bytes(messageType), data)
}

// nonce makes a nonce that follows from a number.
func nonce(number int) []byte {
	digest := sha256.Sum256([]byte(fmt.Sprintf("sealpipe vectors: nonce %d", number)))
	return digest[:nonceBytes]
}

func aead(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	check(err == nil, "%v", err)
	sealer, err := cipher.NewGCM(block)
	check(err == nil, "%v", err)
	return sealer
}

// seal returns nonce, ciphertext and tag.
func seal(key, nonce, plaintext []byte) []byte {
	return join(nonce, aead(key).Seal(nil, nonce, plaintext, nil))
}

// open takes nonce, ciphertext and tag.
func open(key, sealed []byte) ([]byte, error) {
	return aead(key).Open(nil, sealed[:nonceBytes], sealed[nonceBytes:], nil)
}

// pattern is a body whose every byte follows from its place and the seed.
func pattern(bytes, seed int) []byte {
	body := make([]byte, bytes)
	for i := range body {
		body[i] = byte(i*31 + seed*17 + (i>>8)*7)
	}
	return body
}
