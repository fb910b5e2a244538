package main

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

const nativeKeyScheduleDescription = "The native profile's key schedule. sharedSecret is the X coordinate of the shared " +
	"point in all its 48 bytes; secret is absent where the ends have none. nonce is by what the server says that it " +
	"speaks native, and that of the maximumSizeFrame. proofs are those of a resume on this connection, of the session " +
	"whose key is resumptionKey, with what each side has received. secrets, keys and ivs are those of the first, second " +
	"and third key of each direction. All bytes are lower-case hex."

const nativeLabel = "sealpipe native 1"

type nativeKeyVector struct {
	Name             string          `json:"name"`
	ServerPrivateKey hexBytes        `json:"serverPrivateKey"`
	ServerPublicKey  hexBytes        `json:"serverPublicKey"`
	ClientPrivateKey hexBytes        `json:"clientPrivateKey"`
	ClientPublicKey  hexBytes        `json:"clientPublicKey"`
	SharedSecret     hexBytes        `json:"sharedSecret"`
	Secret           hexBytes        `json:"secret,omitempty"`
	MaxMessageBytes  uint32          `json:"maxMessageBytes"`
	Nonce            hexBytes        `json:"nonce"`
	MaximumSizeFrame hexBytes        `json:"maximumSizeFrame"`
	Transcript       hexBytes        `json:"transcript"`
	Early            hexBytes        `json:"early"`
	Master           hexBytes        `json:"master"`
	ResumptionKey    hexBytes        `json:"resumptionKey"`
	Client           directionVector `json:"client"`
	Server           directionVector `json:"server"`
	Proofs           []proofVector   `json:"proofs"`
}

// directionVector has what one direction's records are sealed with.
type directionVector struct {
	Secrets []hexBytes `json:"secrets"`
	Keys    []hexBytes `json:"keys"`
	IVs     []hexBytes `json:"ivs"`
}

type proofVector struct {
	Side      string    `json:"side"`
	SessionID hexBytes  `json:"sessionId"`
	Received  positions `json:"received"`
	Proof     hexBytes  `json:"proof"`
}

// positions in the lanes of messages, requests and answers.
type positions [3]uint64

func (p positions) bytes() []byte {
	var joined []byte
	for _, position := range p {
		joined = binary.BigEndian.AppendUint64(joined, position)
	}
	return joined
}

const keysPerDirection = 3

func nativeKeyVectors() []nativeKeyVector {
	server := serverKeys(0)
	oneZero := nativeKeys("The shared secret has a leading zero byte, which counts here.", server, clientKeys(oneZeroSeed), nil)
	check(oneZero.SharedSecret[0] == 0, "this shared secret has no leading zero byte")
	twoZeros := nativeKeys("The shared secret has two leading zero bytes, and there is a secret.", server, clientKeys(twoZerosSeed), []byte("open sesame"))
	check(twoZeros.SharedSecret[1] == 0, "this shared secret has no two leading zero bytes")
	return []nativeKeyVector{
		nativeKeys("Without a secret.", server, clientKeys(0), nil),
		nativeKeys("The same keys with a secret of text.", server, clientKeys(0), []byte("open sesame")),
		nativeKeys("With a secret of a single zero byte, which is not the same as none.", server, clientKeys(0), []byte{0}),
		nativeKeys("With a secret of 32 bytes.", serverKeys(1), clientKeys(1), pattern(32, 1)),
		nativeKeys("With the longest secret.", serverKeys(2), clientKeys(2), pattern(1024, 2)),
		oneZero,
		twoZeros,
	}
}

func nativeKeys(name string, server, client pair, secret []byte) nativeKeyVector {
	agreed := agree(server, client)
	digest := sha256.Sum256(join([]byte(nativeLabel), server.public, client.public))
	nonce := digest[:nonceBytes]
	maximumSize := frame(seal(agreed.key, nonce, uint32Bytes(defaultMaximumMessage)))
	transcript := sha256.Sum256(join([]byte{version, saysEncrypted, answersAccepted}, server.public, client.public, maximumSize, []byte{saysNative}))
	preshared := []byte{0}
	if secret != nil {
		preshared = join([]byte{1}, secret)
	}
	early := extract(preshared, []byte(nativeLabel))
	master := extract(agreed.secret, early)
	resumption := expand(master, join([]byte("resumption"), transcript[:]), sha256.Size)

	return nativeKeyVector{
		Name:             name,
		ServerPrivateKey: server.private,
		ServerPublicKey:  server.public,
		ClientPrivateKey: client.private,
		ClientPublicKey:  client.public,
		SharedSecret:     agreed.secret,
		Secret:           secret,
		MaxMessageBytes:  defaultMaximumMessage,
		Nonce:            nonce,
		MaximumSizeFrame: maximumSize,
		Transcript:       transcript[:],
		Early:            early,
		Master:           master,
		ResumptionKey:    resumption,
		Client:           direction(expand(master, join([]byte("client"), transcript[:]), sha256.Size)),
		Server:           direction(expand(master, join([]byte("server"), transcript[:]), sha256.Size)),
		Proofs: []proofVector{
			proof("client", resumption, transcript[:], pattern(16, 3), positions{0, 0, 0}),
			proof("server", resumption, transcript[:], pattern(16, 3), positions{1, 1 << 32, 1<<53 - 1}),
		},
	}
}

const saysNative = 1

// direction makes the keys of one direction from its first secret.
func direction(secret []byte) directionVector {
	var made directionVector
	for number := 0; number < keysPerDirection; number++ {
		made.Secrets = append(made.Secrets, secret)
		made.Keys = append(made.Keys, expand(secret, []byte("key"), 32))
		made.IVs = append(made.IVs, expand(secret, []byte("iv"), nonceBytes))
		secret = expand(secret, []byte("next"), sha256.Size)
	}
	return made
}

func proof(side string, key, transcript, sessionID []byte, received positions) proofVector {
	mac := hmac.New(sha256.New, key)
	mac.Write(join([]byte(side), transcript, sessionID, received.bytes()))
	return proofVector{Side: side, SessionID: sessionID, Received: received, Proof: mac.Sum(nil)}
}

// extract is HKDF's, checked against what RFC 5869 says that it is.
func extract(secret, salt []byte) []byte {
	key, err := hkdf.Extract(sha256.New, secret, salt)
	check(err == nil, "%v", err)
	mac := hmac.New(sha256.New, salt)
	mac.Write(secret)
	check(bytes.Equal(key, mac.Sum(nil)), "two ways, two keys")
	return key
}

func expand(key, info []byte, length int) []byte {
	expanded, err := hkdf.Expand(sha256.New, key, string(info), length)
	check(err == nil, "%v", err)
	return expanded
}
