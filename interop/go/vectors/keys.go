package main

import (
	"bytes"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"math/big"
)

// Client seeds whose keys have unusual bytes: the shared secret with server key
// 0, or the key itself, begins with as many zero bytes as the name says. They
// are the first there are; "go run . -search" finds them again.
const (
	oneZeroSeed       = 50
	secondOneZeroSeed = 82
	thirdOneZeroSeed  = 617
	twoZerosSeed      = 1003
	zeroScalarSeed    = 66
	zeroPublicSeed    = 107
)

// pair is a P-384 key pair as it goes over the wire.
type pair struct {
	private []byte // 48 bytes
	public  []byte // 97 bytes, uncompressed
}

// keyPair makes a pair that follows from an owner and a seed.
func keyPair(owner string, seed int) pair {
	digest := sha512.Sum384([]byte(fmt.Sprintf("sealpipe vectors: %s key %d", owner, seed)))
	private, err := ecdh.P384().NewPrivateKey(digest[:])
	check(err == nil, "seed %d of %s is no key: %v", seed, owner, err)
	return pair{private: private.Bytes(), public: private.PublicKey().Bytes()}
}

func serverKeys(seed int) pair { return keyPair("server", seed) }
func clientKeys(seed int) pair { return keyPair("client", seed) }

// agreement is what both ends compute from their key pairs.
type agreement struct {
	secret  []byte // the shared X coordinate, 48 bytes
	minimal []byte // the same without its leading zero bytes
	key     []byte // SHA-256 of the latter
}

// agree derives the key the way golang-ipc does, and checks the shared secret
// against Go's own ECDH.
func agree(own, peer pair) agreement {
	curve := elliptic.P384()
	x, y := elliptic.Unmarshal(curve, peer.public)
	check(x != nil, "no point of the curve")
	shared, _ := curve.ScalarMult(x, y, new(big.Int).SetBytes(own.private).Bytes())
	minimal := shared.Bytes()
	key := sha256.Sum256(minimal)

	private, err := ecdh.P384().NewPrivateKey(own.private)
	check(err == nil, "%v", err)
	public, err := ecdh.P384().NewPublicKey(peer.public)
	check(err == nil, "%v", err)
	secret, err := private.ECDH(public)
	check(err == nil, "%v", err)
	check(bytes.Equal(secret, shared.FillBytes(make([]byte, len(secret)))), "two ways, two secrets")
	return agreement{secret: secret, minimal: minimal, key: key[:]}
}

// leadingZeros counts the zero bytes at the beginning.
func leadingZeros(data []byte) int {
	for i, b := range data {
		if b != 0 {
			return i
		}
	}
	return len(data)
}
