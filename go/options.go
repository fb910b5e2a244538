package sealpipe

import (
	"log/slog"
	"os"
	"time"

	"sealpipe/internal/engine"
	"sealpipe/internal/session"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

// Profile is the wire that two ends speak.
type Profile = engine.Profile

const (
	// ProfileAuto is sealpipe's own wire if the other end speaks it too, and otherwise golang-ipc's.
	ProfileAuto = engine.Auto
	// ProfileClassic is golang-ipc's.
	ProfileClassic = engine.Classic
	// ProfileNative is sealpipe's own; another peer is refused with ErrPeerNotNative.
	ProfileNative = engine.Native
)

// Never turns off the function of a duration whose documentation allows it.
const Never time.Duration = -1

// RuntimeDirectory as the option Directory is the directory that the system gives each user for sockets, which nobody else
// can enter: XDG_RUNTIME_DIR on Linux and the BSDs, or /run/user/UID on Linux without that, which has to be the user's own with
// mode 0700, and TMPDIR on macOS.
const RuntimeDirectory = transport.RuntimeDirectory

// Trust is the set of users that may own an address, besides the user of this process and root.
type Trust = transport.Trust

// PeerInfo is what the process at the other end declares about itself.
type PeerInfo = wire.PeerInfo

// Options of Listen and Dial. The zero value of each is its default. An option that is only for the other function is
// refused, as is one that is out of range, with ErrInvalidOption.
type Options struct {
	// Directory is the directory of the Unix socket: an absolute path, or RuntimeDirectory. Default /tmp, where
	// golang-ipc looks; both ends need the same. Not used on Windows.
	Directory string
	// PrivateDirectory: the socket is in a directory of this user's own inside Directory, "sealpipe-" and the user's number,
	// with mode 0700, which the end that comes first makes. Both ends need the same, and run as the same user. With it they
	// work, and are safe from other users, in a directory that anybody can write to and that has no sticky bit, as a volume of
	// Kubernetes. golang-ipc's programs do not look there. Not used on Windows.
	PrivateDirectory bool
	// DisableEncryption: a listener does not encrypt, and a client follows the server instead of insisting on encryption.
	DisableEncryption bool
	// Profile is the wire. Default ProfileAuto.
	Profile Profile
	// Secret is a secret of the two ends, by which they authenticate each other: 1 to 1024 bytes that cannot be guessed,
	// such as 32 random bytes. With it the end speaks only native and encrypted; an end with another secret, or with
	// none, is refused with ErrAuthenticationFailed.
	Secret []byte
	// SecretFile is the absolute path of a file with such a secret. If there is no such file it is created, with the
	// mode 0600. A file that others may read or write, or whose path another user can change, is refused with
	// ErrSecretFile. On Windows that is not checked: put the file where only your user can read it.
	SecretFile string
	// Application and ApplicationVersion name this program to a native peer: at most 255 bytes of UTF-8 each.
	Application, ApplicationVersion string
	// Codec is how the application encodes what it says, and Contracts are those that it has to do with, at most 16: a native peer
	// is told of both. Code that `sealpipe contract generate` wrote sets them. Default none.
	Codec     string
	Contracts []ContractIdentity

	// MaxMessageBytes is the largest data of a message, written or received. Default 3145728, at most 1073741824.
	MaxMessageBytes int
	// MaxQueuedBytes bounds the memory that waits on a connection, each way. Default 8388608. A message counts as some
	// 70 bytes more than its data; on the native wire a quarter of this may wait to be read.
	MaxQueuedBytes int
	// MaxConcurrentRequests is how many handlers of one connection may run at a time. Default 256.
	MaxConcurrentRequests int
	// MaxConcurrentStreams is how many streams the peer may have open at a time of those that it opened; further ones wait at the
	// peer. It is also how many handlers of streams may run. Default 64.
	MaxConcurrentStreams int
	// StreamWindowBytes is how many bytes of each stream the peer may send before they are read, 65536 to 2147483647; the last item
	// may go beyond it. Default 524288.
	StreamWindowBytes int
	// HandshakeTimeout is how long a handshake may take. Default 5 s.
	HandshakeTimeout time.Duration
	// FrameTimeout is how long a frame may take from its first byte to its last, and each tenth of a large native message.
	// Default 30 s.
	FrameTimeout time.Duration
	// CloseTimeout is how long Close waits for the peer to accept each tenth of what was written before, with ten times
	// that as the max. It is also how long Broadcast waits for a client that has no room. Default 5 s.
	CloseTimeout time.Duration
	// KeepaliveInterval is after how long a silence to ask a native peer whether it is alive. Default 10 s; Never turns
	// it off.
	KeepaliveInterval time.Duration
	// KeepaliveTimeout is how long a native peer may take to answer that question. Default 10 s.
	KeepaliveTimeout time.Duration

	// UnmaskPermissions lets every user of the machine connect, not only the listener's. For Listen.
	UnmaskPermissions bool
	// AddressCheckInterval is how often a listener checks that its socket is still at its address, to put it back if
	// not. Default 5 s; Never turns it off. For Listen, and not used on Windows.
	AddressCheckInterval time.Duration
	// MaxConnections is how many clients there may be at a time, including those in the handshake, those that have left
	// without reading what was written to them, which have up to CloseTimeout for each tenth of it, and those that have
	// left, until they are accepted and their messages read or they are closed at this end. Default 1024. A further client
	// replaces the oldest in the handshake; if there is none, the further client is dropped. For Listen.
	MaxConnections int
	// MaxPendingHandshakes is how many handshakes there may be at a time. Default 1024. For Listen.
	MaxPendingHandshakes int
	// ResumeWindow is how long a native client whose connection was lost may take to come back. Default 30 s; with Never
	// its session ends with the connection. For Listen.
	ResumeWindow time.Duration
	// MaxDetachedSessions and MaxDetachedBytes bound the sessions that wait for their clients to come back. Default 64
	// and 67108864. Beyond that the listener gives up those with the least standing: how long a session had lasted,
	// times what was settled in it. For Listen.
	MaxDetachedSessions, MaxDetachedBytes int

	// Trust is who else may own the address. Default nobody. For Dial, and not used on Windows.
	Trust Trust
	// ConnectTimeout is how long to try to connect, and later to reconnect. Default for ever. For Dial.
	ConnectTimeout time.Duration
	// RetryDelay is the pause before the second try; it doubles with each further one up to MaxRetryDelay. Default 100
	// ms and 5 s. For Dial.
	RetryDelay, MaxRetryDelay time.Duration
	// DisableOfflineQueue makes writes fail with ErrNotConnected while the client reconnects, as golang-ipc's do,
	// instead of waiting for the connection. For Dial.
	DisableOfflineQueue bool

	// Logger logs failures after which the connection or listener goes on. Default: none.
	Logger *slog.Logger
	// OnStatus is called with each change of a connection's status, in order.
	OnStatus func(*Conn, Status)
	// OnError is called with each failure of a connection or, with nil, of a listener. Both go on if they can: the
	// status shows it.
	OnError func(*Conn, error)
	// Prepare is called by Listen with the listener before any client can connect. Set handlers there: one that is set after Listen
	// has returned may come later than the first request, which then fails with ErrNoHandler. If Prepare returns an error, Listen
	// does not listen, and returns that.
	Prepare func(*Listener) error
	// OnSessionLost is called when the session of a client that came back is gone, and at either end when a connection is lost for
	// good with messages or streams under way.
	OnSessionLost func(*Conn, LostSession)

	// AnyName accepts every name whose address stays within the directory, as golang-ipc does: with spaces and colons, say.
	AnyName bool
}

// config is the options with defaults applied.
type config struct {
	Options
	secret []byte
}

const (
	defaultMaxQueuedBytes = 8_388_608
	library               = "sealpipe/0.1.0"
)

func (c *config) windows() [3]uint32 {
	clamp := func(bytes int) uint32 { return uint32(min(wire.MaxWindow, max(wire.MinWindow, bytes))) }
	return [3]uint32{clamp(c.MaxQueuedBytes / 4), clamp(c.MaxQueuedBytes / 8), clamp(c.MaxQueuedBytes / 4)}
}

// features are what this end can read.
const features = wire.FeatureStreams | wire.FeatureContext | wire.FeatureFailureData | wire.FeatureAdmin

func (c *config) offers() *wire.Offers {
	offers := wire.NoOffers()
	offers.Features = features
	offers.StreamLaneWindow = c.windows()[2]
	offers.MaxConcurrentStreams = uint32(c.MaxConcurrentStreams)
	offers.StreamWindow = uint32(c.StreamWindowBytes)
	offers.Codec, offers.Contracts = c.Codec, c.Contracts
	return offers
}

func (c *config) sessionLimits(role wire.Side) session.Limits {
	return session.Limits{Side: role, MaxMessageBytes: c.MaxMessageBytes, Windows: c.windows(), Offers: c.offers()}
}

func (c *config) self() wire.PeerInfo {
	return wire.PeerInfo{
		PID: uint32(os.Getpid()), Library: library, Application: c.Application, ApplicationVersion: c.ApplicationVersion,
	}
}

func (c *config) limits() engine.Limits {
	interval := int64(engine.Never)
	if c.KeepaliveInterval > 0 {
		interval = c.KeepaliveInterval.Milliseconds()
	}
	return engine.Limits{
		MaxMessageBytes: c.MaxMessageBytes, FrameTimeoutMs: c.FrameTimeout.Milliseconds(), CloseTimeoutMs: c.CloseTimeout.Milliseconds(),
		Keepalive: engine.KeepaliveLimits{IntervalMs: interval, TimeoutMs: c.KeepaliveTimeout.Milliseconds()},
	}
}

// prepare does what Dial and Listen both begin with.
func prepare(name string, options *Options, role wire.Side) (*config, transport.Address, error) {
	config, err := parseOptions(options, role)
	if err != nil {
		return nil, transport.Address{}, err
	}
	address, err := config.resolve(name)
	if err != nil {
		return nil, transport.Address{}, err
	}
	return config, address, config.readSecret()
}

func (c *config) resolve(name string) (address transport.Address, err error) {
	if c.AnyName {
		address, err = transport.ResolveUnchecked(name, c.Directory, c.Trust)
	} else {
		address, err = transport.Resolve(name, c.Directory, c.Trust)
	}
	if err != nil || !c.PrivateDirectory {
		return address, err
	}
	return address.InPrivateDirectory()
}
