package sealpipe

import (
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"sealpipe/internal/engine"
	"sealpipe/internal/fault"
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

// Never, as one of the durations whose docs say so, turns off what it is for.
const Never time.Duration = -1

// RuntimeDirectory as the option Directory is the directory that the system gives each user for sockets, which nobody else
// can enter: XDG_RUNTIME_DIR on Linux and the BSDs, or /run/user/UID on Linux without that, which has to be the user's own with
// mode 0700, and TMPDIR on macOS.
const RuntimeDirectory = transport.RuntimeDirectory

// Trust says which users may hold an address, besides the user of this process and root.
type Trust = transport.Trust

// PeerInfo is what the process at the other end tells of itself.
type PeerInfo = wire.PeerInfo

// Options of Listen and Dial. The zero value of each is its default. An option that the other of the two has no use for is
// refused, as is one that is out of range, with ErrInvalidOption.
type Options struct {
	// Directory is where the Unix socket lies: an absolute path, or RuntimeDirectory. Default /tmp, where golang-ipc looks;
	// both ends need the same. Not used on Windows.
	Directory string
	// DisableEncryption: a listener does not encrypt, and a client follows the server instead of insisting on encryption.
	DisableEncryption bool
	// Profile is the wire. Default ProfileAuto.
	Profile Profile
	// Secret is what both ends know and nobody else, by which they know each other: 1 to 1024 bytes that cannot be guessed,
	// such as 32 random ones. With it the end speaks native and encrypted, and no other; an end with another secret, or with
	// none, is refused with ErrAuthenticationFailed.
	Secret []byte
	// SecretFile is the absolute path of a file with such a secret. If there is none it is made, with the mode 0600. One that
	// others may read or write, or to which another user can change the way, is refused with ErrSecretFile. On Windows that
	// is not checked: put it where only your user can read.
	SecretFile string
	// Application and ApplicationVersion are what a native peer is told of this program: at most 255 bytes of UTF-8 each.
	Application, ApplicationVersion string

	// MaxMessageBytes is the largest data of a message, written or received. Default 3145728, at most 1073741824.
	MaxMessageBytes int
	// MaxQueuedBytes is the most memory that waits on a connection, each way. Default 8388608. A message counts with some 70
	// bytes more than its data; to be read, natively, a quarter of this may wait.
	MaxQueuedBytes int
	// MaxConcurrentRequests is how many handlers may be at work at a time, of one connection. Default 256.
	MaxConcurrentRequests int
	// HandshakeTimeout is how long a handshake may take. Default 5 s.
	HandshakeTimeout time.Duration
	// FrameTimeout is how long a frame may take from its first byte to its last, and each tenth of a large native message.
	// Default 30 s.
	FrameTimeout time.Duration
	// CloseTimeout is how long Close waits for the peer to take each tenth of what was written before; ten times that is the
	// longest. And how long Broadcast waits for a client that has no room. Default 5 s.
	CloseTimeout time.Duration
	// KeepaliveInterval is how long nothing may be heard of a native peer before it is asked whether it is alive. Default
	// 10 s; Never never asks.
	KeepaliveInterval time.Duration
	// KeepaliveTimeout is how long a native peer may take to answer that. Default 10 s.
	KeepaliveTimeout time.Duration

	// UnmaskPermissions: every user of the machine may connect, not only the one whose process listens. Listen's.
	UnmaskPermissions bool
	// AddressCheckInterval is how often a listener looks whether its socket still lies at its address, to put it back.
	// Default 5 s; Never never looks. Listen's, and not used on Windows.
	AddressCheckInterval time.Duration
	// MaxConnections is how many clients there may be at a time, those in the handshake among them. Default 1024. A further
	// one takes the place of the oldest in the handshake; if there is none it is dropped. Listen's.
	MaxConnections int
	// MaxPendingHandshakes is how many handshakes there may be at a time. Default 1024. Listen's.
	MaxPendingHandshakes int
	// ResumeWindow is how long a native client whose connection was lost may take to come back. Default 30 s; Never ends its
	// session with the connection. Listen's.
	ResumeWindow time.Duration
	// MaxDetachedSessions and MaxDetachedBytes bound the sessions of clients that are waited for so. Default 64 and 67108864.
	// Beyond that those go that have the least standing: how long they had lasted, times what was settled in them. Listen's.
	MaxDetachedSessions, MaxDetachedBytes int

	// Trust is who else may hold the address. Default nobody. Dial's, and not used on Windows.
	Trust Trust
	// ConnectTimeout is how long to try to connect, and later to reconnect. Default for ever. Dial's.
	ConnectTimeout time.Duration
	// RetryDelay is the pause before the second try; it doubles with each further one up to MaxRetryDelay. Default 100 ms and
	// 5 s. Dial's.
	RetryDelay, MaxRetryDelay time.Duration
	// DisableOfflineQueue: what is written while the client reconnects fails with ErrNotConnected, as golang-ipc's does,
	// instead of waiting for the connection. Dial's.
	DisableOfflineQueue bool

	// Logger is told what fails and goes on. Default: nobody.
	Logger *slog.Logger
	// OnStatus is told of each change of a connection's status, in order.
	OnStatus func(*Conn, Status)
	// OnError is told what has failed of a connection, or, with nil, of a listener. Both go on if they can: the status tells.
	OnError func(*Conn, error)
	// OnSessionLost is told of messages that may have arrived or not: the session in which they were sent is gone.
	OnSessionLost func(*Conn, []Message)

	// AnyName accepts every name whose address stays within the directory, as golang-ipc does: with spaces and colons, say.
	AnyName bool
}

// config is the options with their defaults.
type config struct {
	Options
	secret []byte
}

const (
	defaultMaxQueuedBytes = 8_388_608
	library               = "sealpipe/0.1.0"
)

func invalidOption(name, must string) error {
	return fault.New(fault.InvalidOption, "the option %s must be %s", name, must)
}

func count(value *int, name string, standard, highest int) error {
	if *value < 0 || *value > highest {
		return invalidOption(name, "a positive number in range")
	}
	if *value == 0 {
		*value = standard
	}
	return nil
}

// duration of zero is the default; Never is allowed if the docs say so, and means 0 from here on.
func duration(value *time.Duration, name string, standard time.Duration, orNever bool) error {
	switch {
	case *value == 0:
		*value = standard
	case *value == Never && orNever:
		*value = 0
	case *value < time.Millisecond || *value > math.MaxInt32*time.Millisecond:
		return invalidOption(name, "from a millisecond to 24 days")
	}
	return nil
}

func parseOptions(given *Options, role wire.Side) (*config, error) {
	c := &config{}
	if given != nil {
		c.Options = *given
	}
	for _, check := range []func() error{
		func() error { return c.checkForeign(role) },
		func() error { return c.checkTexts() },
		func() error {
			return count(&c.MaxMessageBytes, "MaxMessageBytes", wire.DefaultMaxMessageBytes, wire.MaxMaxMessageBytes)
		},
		func() error { return count(&c.MaxQueuedBytes, "MaxQueuedBytes", defaultMaxQueuedBytes, math.MaxInt) },
		func() error { return count(&c.MaxConcurrentRequests, "MaxConcurrentRequests", 256, math.MaxInt32) },
		func() error { return count(&c.MaxConnections, "MaxConnections", 1_024, math.MaxInt32) },
		func() error { return count(&c.MaxPendingHandshakes, "MaxPendingHandshakes", 1_024, math.MaxInt32) },
		func() error { return count(&c.MaxDetachedSessions, "MaxDetachedSessions", 64, math.MaxInt32) },
		func() error { return count(&c.MaxDetachedBytes, "MaxDetachedBytes", 67_108_864, math.MaxInt) },
		func() error { return duration(&c.HandshakeTimeout, "HandshakeTimeout", 5*time.Second, false) },
		func() error { return duration(&c.FrameTimeout, "FrameTimeout", 30*time.Second, false) },
		func() error { return duration(&c.CloseTimeout, "CloseTimeout", 5*time.Second, false) },
		func() error { return duration(&c.KeepaliveInterval, "KeepaliveInterval", 10*time.Second, true) },
		func() error { return duration(&c.KeepaliveTimeout, "KeepaliveTimeout", 10*time.Second, false) },
		func() error { return duration(&c.AddressCheckInterval, "AddressCheckInterval", 5*time.Second, true) },
		func() error { return duration(&c.ResumeWindow, "ResumeWindow", 30*time.Second, true) },
		func() error { return duration(&c.ConnectTimeout, "ConnectTimeout", 0, true) },
		func() error { return duration(&c.RetryDelay, "RetryDelay", 100*time.Millisecond, false) },
		func() error {
			return duration(&c.MaxRetryDelay, "MaxRetryDelay", max(5*time.Second, c.RetryDelay), false)
		},
		c.checkTogether,
	} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// checkForeign refuses what only the other of Listen and Dial has a use for.
func (c *config) checkForeign(role wire.Side) error {
	foreign := map[string]bool{
		"Trust": c.Trust.Anyone || len(c.Trust.Users) > 0, "ConnectTimeout": c.ConnectTimeout != 0, "RetryDelay": c.RetryDelay != 0,
		"MaxRetryDelay": c.MaxRetryDelay != 0, "DisableOfflineQueue": c.DisableOfflineQueue,
	}
	who := "left to Dial"
	if role == wire.ClientSide {
		foreign = map[string]bool{
			"UnmaskPermissions": c.UnmaskPermissions, "AddressCheckInterval": c.AddressCheckInterval != 0,
			"MaxConnections": c.MaxConnections != 0, "MaxPendingHandshakes": c.MaxPendingHandshakes != 0,
			"ResumeWindow": c.ResumeWindow != 0, "MaxDetachedSessions": c.MaxDetachedSessions != 0,
			"MaxDetachedBytes": c.MaxDetachedBytes != 0,
		}
		who = "left to Listen"
	}
	for name, given := range foreign {
		if given {
			return invalidOption(name, who)
		}
	}
	return nil
}

func (c *config) checkTexts() error {
	switch {
	case len(c.Application) > wire.MaxTextBytes || !utf8.ValidString(c.Application):
		return invalidOption("Application", "at most 255 bytes of UTF-8")
	case len(c.ApplicationVersion) > wire.MaxTextBytes || !utf8.ValidString(c.ApplicationVersion):
		return invalidOption("ApplicationVersion", "at most 255 bytes of UTF-8")
	case c.Directory == "":
		c.Directory = transport.DefaultDirectory
	case c.Directory != RuntimeDirectory && !filepath.IsAbs(c.Directory):
		return invalidOption("Directory", "an absolute path, or RuntimeDirectory")
	}
	return nil
}

func (c *config) checkTogether() error {
	switch c.Profile {
	case "":
		c.Profile = ProfileAuto
	case ProfileAuto, ProfileClassic, ProfileNative:
	default:
		return invalidOption("Profile", "one of the three")
	}
	if c.MaxRetryDelay < c.RetryDelay {
		return invalidOption("MaxRetryDelay", "at least RetryDelay")
	}
	if len(c.Secret) > wire.MaxSecretBytes || c.Secret != nil && len(c.Secret) == 0 {
		return invalidOption("Secret", "1 to 1024 bytes")
	}
	if c.SecretFile != "" && !filepath.IsAbs(c.SecretFile) {
		return invalidOption("SecretFile", "the absolute path of a file")
	}
	if c.Secret == nil && c.SecretFile == "" {
		return nil
	}
	switch {
	case c.Secret != nil && c.SecretFile != "":
		return invalidOption("SecretFile", "left out if there is a Secret")
	case c.Profile == ProfileClassic:
		return invalidOption("Profile", "another than classic with a secret: golang-ipc's wire has no place for it")
	case c.DisableEncryption:
		return invalidOption("DisableEncryption", "off with a secret: it is what the keys are made with")
	}
	return nil
}

// readSecret puts the secret in place, from its file if it is in one.
func (c *config) readSecret() (err error) {
	c.secret = c.Secret
	if c.SecretFile != "" {
		c.secret, err = readSecretFile(c.SecretFile)
	}
	return err
}

func (c *config) windows() [3]uint32 {
	clamp := func(bytes int) uint32 { return uint32(min(wire.MaxWindow, max(wire.MinWindow, bytes))) }
	return [3]uint32{clamp(c.MaxQueuedBytes / 4), clamp(c.MaxQueuedBytes / 8), clamp(c.MaxQueuedBytes / 4)}
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

// prepare makes ready what both Dial and Listen begin with.
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

func (c *config) resolve(name string) (transport.Address, error) {
	if c.AnyName {
		return transport.ResolveUnchecked(name, c.Directory, c.Trust)
	}
	return transport.Resolve(name, c.Directory, c.Trust)
}
