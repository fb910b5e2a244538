// Package engine is the protocol's state of one connection, from its first byte to its last: first a Handshake, then,
// from its result, an Engine. It does no I/O, reads no clock, draws no random number and starts no goroutine: bytes
// and times come in, events and bytes go out.
//
// Source: spec/protocol.md. Times are milliseconds from any fixed point, and never go back.
package engine

import (
	"crypto/ecdh"

	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

// Profile is how messages are encoded on the wire.
type Profile string

const (
	// Auto is native with a peer that speaks it too, and otherwise classic.
	Auto    Profile = "auto"
	Classic Profile = "classic"
	Native  Profile = "native"
)

// Ticket is what an end needs to resume a session.
type Ticket struct {
	session.Identity
	// Received is how far each lane's frames have arrived at the end that has the ticket, and Lanes how many the session has.
	Received wire.Positions
	Lanes    int
}

// HandshakeOptions are the options of either side's handshake.
type HandshakeOptions struct {
	Role wire.Side
	// Encryption: a server encrypts, a client insists on encryption. Without it a client follows the server.
	Encryption      bool
	Profile         Profile
	Secret          []byte
	MaxMessageBytes uint32

	// For the native profile.
	Windows [3]uint32
	Self    wire.PeerInfo
	Offers  *wire.Offers
	// Resumable: a client asks for a session that can be resumed, a server offers one.
	Resumable bool
	// Resume is the session that a client had.
	Resume *Ticket

	NewKeyPair func() (*ecdh.PrivateKey, error)
	Random     func([]byte)
}

func (o *HandshakeOptions) demandsNative() bool { return o.Profile == Native || o.Secret != nil }

func (o *HandshakeOptions) demandsEncryption() bool { return o.Encryption || o.Secret != nil }

func (o *HandshakeOptions) offersNative() bool { return o.Profile != Classic }

// Opened is the result of a handshake.
type Opened struct {
	Profile   Profile
	Encrypted bool
	// Refused is why the connection has to close in order at once, without sending or delivering anything.
	Refused error

	// Cipher seals classic messages; nil if they are plain. PeerMaxMessageBytes is the server's limit.
	Cipher              *wire.ClassicCipher
	PeerMaxMessageBytes int64

	// Reader and Writer are for native records, and Hello is the peer's.
	Reader *wire.RecordReader
	Writer *wire.RecordWriter
	Hello  *wire.NativeHello
	// Identity is that of a new session, if it can be resumed. Resumed: the earlier session goes on, from
	// Hello.Received.
	Identity *session.Identity
	Resumed  bool
}

// Handshake is one side of what is said before the first message. Call Start, and write what it returns; then, whenever bytes
// have come, Advance until it makes no progress, each time writing what it returns, until Opened is not nil.
type Handshake struct {
	options HandshakeOptions
	state   State

	keyPair   *ecdh.PrivateKey
	peerKey   []byte
	shared    []byte
	cipher    *wire.ClassicCipher
	sizeFrame []byte

	transcript []byte
	resumption []byte
	reader     *wire.RecordReader
	writer     *wire.RecordWriter
	// asked is the session that a client wants to resume on the native profile.
	asked *wire.NativeHello
	// sessionEnded is why this server has ended the session that the client asked for, if it did.
	sessionEnded fault.Code

	Opened *Opened
}

// Step is the result of one step of a handshake.
type Step struct {
	// Progress: there may be a further step. Otherwise more bytes have to arrive.
	Progress bool
	// Output has parts to send, each in a write of its own.
	Output [][]byte
	// Resume: the client wants to resume this session; AnswerResume has to be the next call.
	Resume *wire.NativeHello
}

// TicketOf is nil if the session cannot be resumed, or is none.
func TicketOf(s *session.Session) *Ticket {
	if s == nil || s.Identity() == nil {
		return nil
	}
	return &Ticket{Identity: *s.Identity(), Received: s.Received(), Lanes: s.Lanes()}
}

// NewHandshake begins one side.
func NewHandshake(options HandshakeOptions) *Handshake {
	h := &Handshake{options: options, state: ServerAwaitsAnswer}
	if options.Role == wire.ClientSide {
		h.state = ClientAwaitsHello
	}
	return h
}

// State is the present state of the handshake.
func (h *Handshake) State() State { return h.state }

// Start returns what to send before anything has arrived: the server sends first.
func (h *Handshake) Start() [][]byte {
	if h.options.Role == wire.ClientSide {
		return nil
	}
	return [][]byte{wire.EncodeHello(h.options.demandsEncryption())}
}

// NextIsCostly reports whether everything for the next step has arrived, and the step costs much more than it cost
// the peer.
func (h *Handshake) NextIsCostly(in *wire.Input) bool {
	switch h.state {
	case ServerAwaitsAnswer:
		return h.options.demandsEncryption() && in.Len() > 0 && wire.Answer(in.First()) == wire.Accepted
	case ServerAwaitsClientKey:
		return in.Len() >= wire.PublicKeyBytes
	default:
		return false
	}
}

// Advance does the next step, if everything for it has arrived. With an error the handshake has failed, and the
// step's output is the last to send.
func (h *Handshake) Advance(in *wire.Input) (step Step, err error) {
	switch h.state {
	case ClientAwaitsHello:
		step, err = h.receiveHello(in)
	case ClientAwaitsServerKey:
		step, err = h.receiveServerKey(in)
	case ClientAwaitsMaximumSize:
		step, err = h.receiveMaximumSize(in)
	case ClientAwaitsNativeHello:
		step, err = h.receiveServersHello(in)
	case ServerAwaitsAnswer:
		step, err = h.receiveAnswer(in)
	case ServerAwaitsClientKey:
		step, err = h.receiveClientKey(in)
	case ServerAwaitsConfirmation:
		step, err = h.receiveConfirmation(in)
	case ServerAwaitsNativeHello:
		step, err = h.receiveClientsHello(in)
	}
	if err != nil {
		h.move(faulty)
		h.Wipe()
	}
	return step, err
}

// End is called when the peer has ended the transport, and returns what that means.
func (h *Handshake) End(cause error) error {
	h.move(end)
	h.Wipe()
	return connectionLost(cause, "in the handshake")
}

func (h *Handshake) move(in input) { h.state = h.state.next(in) }

// Wipe overwrites what is derived from the key agreement and was not passed on.
func (h *Handshake) Wipe() {
	clear(h.shared)
	h.shared, h.cipher, h.keyPair = nil, nil, nil
	clear(h.resumption)
	if h.Opened == nil && h.reader != nil {
		h.reader.Wipe()
		h.writer.Wipe()
	}
}

// agree computes the keys of an encrypted connection, if the peer's has arrived.
func (h *Handshake) agree(in *wire.Input) (bool, error) {
	part := in.Take(wire.PublicKeyBytes)
	if part == nil {
		return false, nil
	}
	shared, err := wire.Agree(h.keyPair, part)
	if err != nil {
		return false, err
	}
	h.peerKey = append([]byte(nil), part...)
	h.shared = shared
	key := wire.ClassicKey(shared)
	h.cipher = wire.NewClassicCipher(key[:])
	clear(key[:])
	return true, nil
}

// keys are the server's and the client's public keys.
func (h *Handshake) keys() (server, client []byte) {
	own := h.keyPair.PublicKey().Bytes()
	if h.options.Role == wire.ServerSide {
		return own, h.peerKey
	}
	return h.peerKey, own
}

// goOnNative makes the native keys: from now on the two sides exchange hellos.
func (h *Handshake) goOnNative() {
	h.reader, h.writer = &wire.RecordReader{}, &wire.RecordWriter{}
	if h.cipher != nil {
		server, client := h.keys()
		h.transcript = wire.Transcript(server, client, h.sizeFrame)
		secrets := wire.DeriveNativeSecrets(h.shared, h.transcript, h.options.Secret)
		reading, writing := secrets.Client, secrets.Server
		if h.options.Role == wire.ClientSide {
			reading, writing = writing, reading
		}
		h.reader = wire.NewRecordReader(reading, wire.RecordsPerKey)
		h.writer = wire.NewRecordWriter(writing, wire.RecordsPerKey)
		h.resumption = secrets.Resumption
	}
	clear(h.shared)
	h.shared, h.cipher, h.keyPair = nil, nil, nil
}

func (h *Handshake) openClassic(peerMaxMessageBytes int64) {
	h.Opened = &Opened{
		Profile: Classic, Encrypted: h.cipher != nil, Cipher: h.cipher, PeerMaxMessageBytes: peerMaxMessageBytes,
	}
	if h.options.demandsNative() {
		h.Opened.Refused = fault.New(fault.PeerNotNative, "the peer does not speak sealpipe's native profile, on which this end insists")
	}
	h.Wipe()
}
