package sealpipe

import "sealpipe/internal/fault"

// Error is the type of every error of this package, possibly wrapped. Distinguish errors by their codes, which are
// stable:
//
//	if errors.Is(err, sealpipe.ErrConnectionLost) { … }
//
//	var e *sealpipe.Error
//	if errors.As(err, &e) { log.Print(e.Code, e.Code.Fault()) }
//
// The error of a handler at the other end is an Error, too, with Remote set; its code may be the other program's own.
type Error = fault.Error

// Code says what went wrong, stable across versions and languages; docs/errors.md has a heading for each.
type Code = fault.Code

// Party is who caused an error.
type Party = fault.Party

const (
	CallerFault = fault.Caller // the program that called this package
	PeerFault   = fault.Peer   // the process at the other end
	SystemFault = fault.System // the operating system
)

// The codes, by their fault.
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
	ErrContractMismatch     = fault.ContractMismatch
	ErrDaemonStays          = fault.DaemonStays
	ErrDecryptionFailed     = fault.DecryptionFailed
	ErrDescriptionInvalid   = fault.DescriptionInvalid
	ErrEncryptionRequired   = fault.EncryptionRequired
	ErrEventsLost           = fault.EventsLost
	ErrFellBehind           = fault.FellBehind
	ErrFrameInvalid         = fault.FrameInvalid
	ErrFrameTimeout         = fault.FrameTimeout
	ErrFrameTooLarge        = fault.FrameTooLarge
	ErrFrameTooShort        = fault.FrameTooShort
	ErrHandlerFailed        = fault.HandlerFailed
	ErrHandshakeInvalid     = fault.HandshakeInvalid
	ErrHandshakeRejected    = fault.HandshakeRejected
	ErrHandshakeTimeout     = fault.HandshakeTimeout
	ErrInvalidInput         = fault.InvalidInput
	ErrInvalidOutput        = fault.InvalidOutput
	ErrInvalidPublicKey     = fault.InvalidPublicKey
	ErrKeepaliveTimeout     = fault.KeepaliveTimeout
	ErrKeyExhausted         = fault.KeyExhausted
	ErrNoHandler            = fault.NoHandler
	ErrNotAllowed           = fault.NotAllowed
	ErrNotConnected         = fault.NotConnected
	ErrPeerMessageTooLarge  = fault.PeerMessageTooLarge
	ErrPeerNotNative        = fault.PeerNotNative
	ErrPeerWithoutAdmin     = fault.PeerWithoutAdmin
	ErrPeerWithoutStreams   = fault.PeerWithoutStreams
	ErrQueueFull            = fault.QueueFull
	ErrReadTimeout          = fault.ReadTimeout
	ErrRequestTimeout       = fault.RequestTimeout
	ErrSessionLost          = fault.SessionLost
	ErrSidecarMismatch      = fault.SidecarMismatch
	ErrTooLargeForPeer      = fault.TooLargeForPeer
	ErrTooManyConnections   = fault.TooManyConnections
	ErrTooManyHandshakes    = fault.TooManyHandshakes
	ErrStreamReset          = fault.StreamReset
	ErrStreamStopped        = fault.StreamStopped
	ErrTooManyStreams       = fault.TooManyStreams
	ErrVersionMismatch      = fault.VersionMismatch
	ErrWindowExceeded       = fault.WindowExceeded

	ErrAddressInUse       = fault.AddressInUse
	ErrAddressLost        = fault.AddressLost
	ErrAddressUntrusted   = fault.AddressUntrusted
	ErrConnectFailed      = fault.ConnectFailed
	ErrConnectTimeout     = fault.ConnectTimeout
	ErrEventsUnavailable  = fault.EventsUnavailable
	ErrListenFailed       = fault.ListenFailed
	ErrNoParent           = fault.NoParent
	ErrNoRuntimeDirectory = fault.NoRuntimeDirectory
	ErrSecretFile         = fault.SecretFile
	ErrSidecarEnded       = fault.SidecarEnded
	ErrSidecarTimeout     = fault.SidecarTimeout
)
