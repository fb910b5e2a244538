package main

const handshakesDescription = "Whole handshakes of the classic profile, every part of them as it goes over the wire. " +
	"encrypted is what the server's hello says, clientInsistsOnEncryption what the client was told. nonce is that of " +
	"the maximum-size frame. outcome is \"open\" or an error code, and outcomeAt who comes to it: the server, the " +
	"client or both. All bytes are lower-case hex."

type handshakeVector struct {
	Name                      string   `json:"name"`
	Encrypted                 bool     `json:"encrypted"`
	ClientInsistsOnEncryption bool     `json:"clientInsistsOnEncryption"`
	MaxMessageBytes           uint32   `json:"maxMessageBytes"`
	ServerPrivateKey          hexBytes `json:"serverPrivateKey,omitempty"`
	ServerPublicKey           hexBytes `json:"serverPublicKey,omitempty"`
	ClientPrivateKey          hexBytes `json:"clientPrivateKey,omitempty"`
	ClientPublicKey           hexBytes `json:"clientPublicKey,omitempty"`
	Key                       hexBytes `json:"key,omitempty"`
	Nonce                     hexBytes `json:"nonce,omitempty"`
	Steps                     []step   `json:"steps"`
	Outcome                   string   `json:"outcome"`
	OutcomeAt                 string   `json:"outcomeAt"`
}

type step struct {
	From  string   `json:"from"`
	Part  string   `json:"part"`
	Bytes hexBytes `json:"bytes"`
}

const (
	version         = 2
	saysPlain       = 0
	saysEncrypted   = 1
	answersAccepted = 0
)

func handshakeVectors() []handshakeVector {
	ordinary, oneZero, twoZeros := clientKeys(0), clientKeys(oneZeroSeed), clientKeys(twoZerosSeed)
	following := encryptedHandshake("A client that does not insist on encryption follows a server that encrypts.", ordinary, defaultMaximumMessage, 7)
	following.ClientInsistsOnEncryption = false

	return []handshakeVector{
		plainHandshake("Plain, with the default maximum size.", defaultMaximumMessage),
		plainHandshake("Plain, with the smallest maximum size that a server can be told.", 1024),
		encryptedHandshake("Encrypted, with the default maximum size.", ordinary, defaultMaximumMessage, 1),
		encryptedHandshake("Encrypted, and the shared secret has one leading zero byte.", oneZero, defaultMaximumMessage, 2),
		encryptedHandshake("Encrypted, and the shared secret has two leading zero bytes.", twoZeros, defaultMaximumMessage, 3),
		encryptedHandshake("Encrypted, with the smallest maximum size that a server can be told.", ordinary, 1024, 4),
		encryptedHandshake("Encrypted, with a maximum size of 16 MiB.", clientKeys(1), 16777216, 5),
		following,
		refusedHandshake(refusal{"The client insists on encryption and the server has none.", true, version, saysPlain, 2, "ERR_ENCRYPTION_REQUIRED", "both"}),
		refusedHandshake(refusal{"The server speaks a later version.", true, 3, saysEncrypted, 1, "ERR_VERSION_MISMATCH", "client"}),
		refusedHandshake(refusal{"The server speaks an earlier version.", false, 1, saysPlain, 1, "ERR_VERSION_MISMATCH", "client"}),
		refusedHandshake(refusal{"The server speaks another version and has no encryption: the version is answered first.", true, 1, saysPlain, 1, "ERR_VERSION_MISMATCH", "client"}),
		refusedHandshake(refusal{"The client speaks another version.", true, version, saysEncrypted, 1, "ERR_VERSION_MISMATCH", "server"}),
		refusedHandshake(refusal{"The client refuses for a reason of its own.", true, version, saysEncrypted, 3, "ERR_HANDSHAKE_REJECTED", "server"}),
		refusedHandshake(refusal{"The client refuses a plain server for a reason of its own.", false, version, saysPlain, 3, "ERR_HANDSHAKE_REJECTED", "server"}),
	}
}

func plainHandshake(name string, maximum uint32) handshakeVector {
	return handshakeVector{
		Name:            name,
		MaxMessageBytes: maximum,
		Steps: []step{
			{"server", "hello", []byte{version, saysPlain}},
			{"client", "answer", []byte{answersAccepted}},
			{"server", "maximum-size", frame(uint32Bytes(maximum))},
			{"client", "confirmation", []byte{0}},
		},
		Outcome:   "open",
		OutcomeAt: "both",
	}
}

func encryptedHandshake(name string, client pair, maximum uint32, nonceNumber int) handshakeVector {
	server := serverKeys(0)
	key := agree(server, client).key
	return handshakeVector{
		Name:                      name,
		Encrypted:                 true,
		ClientInsistsOnEncryption: true,
		MaxMessageBytes:           maximum,
		ServerPrivateKey:          server.private,
		ServerPublicKey:           server.public,
		ClientPrivateKey:          client.private,
		ClientPublicKey:           client.public,
		Key:                       key,
		Nonce:                     nonce(nonceNumber),
		Steps: []step{
			{"server", "hello", []byte{version, saysEncrypted}},
			{"client", "answer", []byte{answersAccepted}},
			{"server", "server-key", server.public},
			{"client", "client-key", client.public},
			{"server", "maximum-size", frame(seal(key, nonce(nonceNumber), uint32Bytes(maximum)))},
			{"client", "confirmation", []byte{0}},
		},
		Outcome:   "open",
		OutcomeAt: "both",
	}
}

// refusal is a handshake that ends with the client's answer.
type refusal struct {
	name       string
	insists    bool
	version    byte
	encryption byte
	answer     byte
	outcome    string
	outcomeAt  string
}

func refusedHandshake(r refusal) handshakeVector {
	return handshakeVector{
		Name:                      r.name,
		Encrypted:                 r.encryption == saysEncrypted,
		ClientInsistsOnEncryption: r.insists,
		MaxMessageBytes:           defaultMaximumMessage,
		Steps: []step{
			{"server", "hello", []byte{r.version, r.encryption}},
			{"client", "answer", []byte{r.answer}},
		},
		Outcome:   r.outcome,
		OutcomeAt: r.outcomeAt,
	}
}
