package sealpipe

import "sealpipe/internal/fault"

// Error is what every error of this package is, or wraps. Tell errors apart by their codes, which are stable:
//
//	if errors.Is(err, sealpipe.ErrConnectionLost) { … }
//
//	var e *sealpipe.Error
//	if errors.As(err, &e) { log.Print(e.Code, e.Code.Fault()) }
//
// What a handler at the other end failed with is an Error too, with Remote set, whose code may be the other program's own.
type Error = fault.Error

// Code says what went wrong, stable across versions and languages; docs/errors.md has a heading for each.
type Code = fault.Code

// Party is whose fault an error is.
type Party = fault.Party

const (
	CallerFault = fault.Caller // the program that called this package
	PeerFault   = fault.Peer   // the process at the other end
	SystemFault = fault.System // the operating system
)

// The codes, by whose fault they are.
const (
	ErrAddressTooLong  = fault.AddressTooLong
	ErrClosed          = fault.Closed
	ErrInvalidArgument = fault.InvalidArgument
	ErrInvalidName     = fault.InvalidName
	ErrInvalidOption   = fault.InvalidOption
	ErrMessageTooLarge = fault.MessageTooLarge
	ErrReservedType    = fault.ReservedType
	ErrTypeOutOfRange  = fault.TypeOutOfRange

	ErrAuthenticationFailed = fault.AuthenticationFailed
	ErrCloseTimeout         = fault.CloseTimeout
	ErrConnectionLost       = fault.ConnectionLost
	ErrDecryptionFailed     = fault.DecryptionFailed
	ErrEncryptionRequired   = fault.EncryptionRequired
	ErrFrameInvalid         = fault.FrameInvalid
	ErrFrameTimeout         = fault.FrameTimeout
	ErrFrameTooLarge        = fault.FrameTooLarge
	ErrFrameTooShort        = fault.FrameTooShort
	ErrHandlerFailed        = fault.HandlerFailed
	ErrHandshakeInvalid     = fault.HandshakeInvalid
	ErrHandshakeRejected    = fault.HandshakeRejected
	ErrHandshakeTimeout     = fault.HandshakeTimeout
	ErrInvalidPublicKey     = fault.InvalidPublicKey
	ErrKeepaliveTimeout     = fault.KeepaliveTimeout
	ErrKeyExhausted         = fault.KeyExhausted
	ErrNoHandler            = fault.NoHandler
	ErrNotConnected         = fault.NotConnected
	ErrPeerMessageTooLarge  = fault.PeerMessageTooLarge
	ErrPeerNotNative        = fault.PeerNotNative
	ErrQueueFull            = fault.QueueFull
	ErrReadTimeout          = fault.ReadTimeout
	ErrRequestTimeout       = fault.RequestTimeout
	ErrSessionLost          = fault.SessionLost
	ErrTooLargeForPeer      = fault.TooLargeForPeer
	ErrTooManyConnections   = fault.TooManyConnections
	ErrTooManyHandshakes    = fault.TooManyHandshakes
	ErrVersionMismatch      = fault.VersionMismatch
	ErrWindowExceeded       = fault.WindowExceeded

	ErrAddressInUse       = fault.AddressInUse
	ErrAddressLost        = fault.AddressLost
	ErrAddressUntrusted   = fault.AddressUntrusted
	ErrConnectFailed      = fault.ConnectFailed
	ErrConnectTimeout     = fault.ConnectTimeout
	ErrListenFailed       = fault.ListenFailed
	ErrNoRuntimeDirectory = fault.NoRuntimeDirectory
	ErrSecretFile         = fault.SecretFile
)
