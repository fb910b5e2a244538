package wire

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
)

// Source: spec/protocol.md, "Native key schedule".

const protocolLabel = "sealpipe native 1"

// SecretBytes is the length of a traffic secret, a traffic key and a resumption key.
const SecretBytes = 32

// NativeNonce is that of the maximum-size frame of a server that speaks native.
func NativeNonce(serverKey, clientKey []byte) []byte {
	digest := hashOf([]byte(protocolLabel), serverKey, clientKey)
	return digest[:NonceBytes]
}

// Transcript is T: the hash of all that was said in an encrypted handshake that goes on natively.
func Transcript(serverKey, clientKey, maximumSizeFrame []byte) []byte {
	return hashOf(
		EncodeHello(true), []byte{byte(Accepted)}, serverKey, clientKey, maximumSizeFrame, []byte{byte(ConfirmNative)},
	)
}

func hashOf(parts ...[]byte) []byte {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write(part)
	}
	return hash.Sum(nil)
}

// NativeSecrets is what the records of one connection, and the resuming of its session, are protected with.
type NativeSecrets struct {
	Client, Server, Resumption []byte
}

// DeriveNativeSecrets goes from the shared point's X coordinate to the secrets. An empty secret means that there is none.
func DeriveNativeSecrets(shared, transcript, secret []byte) NativeSecrets {
	preshared := []byte{0}
	if len(secret) > 0 {
		preshared = append([]byte{1}, secret...)
	}
	early := extract(preshared, []byte(protocolLabel))
	master := extract(shared, early)
	secrets := NativeSecrets{
		Client:     expand(master, "client"+string(transcript), SecretBytes),
		Server:     expand(master, "server"+string(transcript), SecretBytes),
		Resumption: expand(master, "resumption"+string(transcript), SecretBytes),
	}
	clear(preshared)
	clear(early)
	clear(master)
	return secrets
}

func extract(key, salt []byte) []byte {
	out, err := hkdf.Extract(sha256.New, key, salt)
	if err != nil {
		panic(err) // Only under rules on key lengths that this schedule cannot meet anyway.
	}
	return out
}

func expand(secret []byte, info string, length int) []byte {
	out, err := hkdf.Expand(sha256.New, secret, info, length)
	if err != nil {
		panic(err)
	}
	return out
}

// PlainResumptionKey is that of a session whose connection is not encrypted: whoever can listen can resume it.
func PlainResumptionKey(sessionID SessionID) []byte {
	digest := sha256.Sum256(sessionID[:])
	return digest[:]
}

// Side is the one that a proof is made by.
type Side string

const (
	ClientSide Side = "client"
	ServerSide Side = "server"
)

// ResumptionProof shows that a side had part in the session. The transcript is the new connection's, empty if plain;
// received has a position for each lane of the session.
// Source: spec/protocol.md, "Resume".
func ResumptionProof(side Side, resumptionKey, transcript []byte, sessionID SessionID, received []int64) Proof {
	mac := hmac.New(sha256.New, resumptionKey)
	mac.Write([]byte(side))
	mac.Write(transcript)
	mac.Write(sessionID[:])
	for _, position := range received {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(position)))
	}
	return Proof(mac.Sum(nil))
}

// Equal compares in constant time.
func (p Proof) Equal(other Proof) bool { return subtle.ConstantTimeCompare(p[:], other[:]) == 1 }
