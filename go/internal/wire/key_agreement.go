package wire

import (
	"bytes"
	"crypto/ecdh"
	"crypto/sha256"

	"sealpipe/internal/fault"
)

// PublicKeyBytes is an uncompressed point on P-384. Source: spec/protocol.md, "Handshake", step 3.
const PublicKeyBytes = 97

// Agree computes the shared point's X coordinate, all 48 bytes of it. The caller wipes it.
func Agree(own *ecdh.PrivateKey, peerKey []byte) ([]byte, error) {
	// If a peer sent our own key back, this end would agree on a secret with itself.
	if bytes.Equal(own.PublicKey().Bytes(), peerKey) {
		return nil, fault.New(fault.InvalidPublicKey, "the peer sent our own public key back")
	}
	if len(peerKey) != PublicKeyBytes || peerKey[0] != 4 {
		return nil, fault.New(fault.InvalidPublicKey, "the peer's public key is not an uncompressed point on the curve P-384")
	}
	key, err := ecdh.P384().NewPublicKey(peerKey)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidPublicKey, err, "the peer's public key is no point on P-384")
	}
	shared, err := own.ECDH(key)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidPublicKey, err, "no key can be agreed on with the peer's public key")
	}
	return shared, nil
}

// ClassicKey is the traffic key of the classic profile: the hash of the coordinate without its leading zero bytes.
// Source: spec/protocol.md, "Key".
func ClassicKey(shared []byte) [sha256.Size]byte {
	return sha256.Sum256(bytes.TrimLeft(shared, "\x00"))
}
