// Package fault has the one error type of the library, and the table of its codes. The root package shows both.
package fault

import "fmt"

// Code says what went wrong, stable across versions; docs/errors.md has a heading for each. It is an error itself, so
// that errors.Is(err, code) works.
type Code string

func (c Code) Error() string { return string(c) }

// Party is who caused an error.
type Party string

const (
	Caller Party = "caller" // the program that called the library
	Peer   Party = "peer"   // the process at the other end
	System Party = "system" // the operating system
)

const (
	AddressTooLong  Code = "ERR_ADDRESS_TOO_LONG"
	Closed          Code = "ERR_CLOSED"
	InvalidArgument Code = "ERR_INVALID_ARGUMENT"
	InvalidName     Code = "ERR_INVALID_NAME"
	InvalidOption   Code = "ERR_INVALID_OPTION"
	MessageTooLarge Code = "ERR_MESSAGE_TOO_LARGE"
	NotExpressible  Code = "ERR_NOT_EXPRESSIBLE"
	ReservedType    Code = "ERR_RESERVED_TYPE"
	SecretRequired  Code = "ERR_SECRET_REQUIRED"
	TypeOutOfRange  Code = "ERR_TYPE_OUT_OF_RANGE"

	AuthenticationFailed Code = "ERR_AUTHENTICATION_FAILED"
	CloseTimeout         Code = "ERR_CLOSE_TIMEOUT"
	ConnectionLost       Code = "ERR_CONNECTION_LOST"
	ContractMismatch     Code = "ERR_CONTRACT_MISMATCH"
	DaemonStays          Code = "ERR_DAEMON_STAYS"
	DecryptionFailed     Code = "ERR_DECRYPTION_FAILED"
	DescriptionInvalid   Code = "ERR_DESCRIPTION_INVALID"
	EncryptionRequired   Code = "ERR_ENCRYPTION_REQUIRED"
	EventsLost           Code = "ERR_EVENTS_LOST"
	FellBehind           Code = "ERR_FELL_BEHIND"
	FrameInvalid         Code = "ERR_FRAME_INVALID"
	FrameTimeout         Code = "ERR_FRAME_TIMEOUT"
	FrameTooLarge        Code = "ERR_FRAME_TOO_LARGE"
	FrameTooShort        Code = "ERR_FRAME_TOO_SHORT"
	HandlerFailed        Code = "ERR_HANDLER_FAILED"
	HandshakeInvalid     Code = "ERR_HANDSHAKE_INVALID"
	HandshakeRejected    Code = "ERR_HANDSHAKE_REJECTED"
	HandshakeTimeout     Code = "ERR_HANDSHAKE_TIMEOUT"
	InvalidInput         Code = "ERR_INVALID_INPUT"
	InvalidOutput        Code = "ERR_INVALID_OUTPUT"
	InvalidPublicKey     Code = "ERR_INVALID_PUBLIC_KEY"
	KeepaliveTimeout     Code = "ERR_KEEPALIVE_TIMEOUT"
	KeyExhausted         Code = "ERR_KEY_EXHAUSTED"
	NoHandler            Code = "ERR_NO_HANDLER"
	NotAllowed           Code = "ERR_NOT_ALLOWED"
	NotConnected         Code = "ERR_NOT_CONNECTED"
	PeerMessageTooLarge  Code = "ERR_PEER_MESSAGE_TOO_LARGE"
	PeerNotNative        Code = "ERR_PEER_NOT_NATIVE"
	PeerWithoutAdmin     Code = "ERR_PEER_WITHOUT_ADMIN"
	PeerWithoutStreams   Code = "ERR_PEER_WITHOUT_STREAMS"
	QueueFull            Code = "ERR_QUEUE_FULL"
	ReadTimeout          Code = "ERR_READ_TIMEOUT"
	RequestTimeout       Code = "ERR_REQUEST_TIMEOUT"
	SessionLost          Code = "ERR_SESSION_LOST"
	SidecarMismatch      Code = "ERR_SIDECAR_MISMATCH"
	StreamReset          Code = "ERR_STREAM_RESET"
	StreamStopped        Code = "ERR_STREAM_STOPPED"
	TooLargeForPeer      Code = "ERR_TOO_LARGE_FOR_PEER"
	TooManyConnections   Code = "ERR_TOO_MANY_CONNECTIONS"
	TooManyHandshakes    Code = "ERR_TOO_MANY_HANDSHAKES"
	TooManyStreams       Code = "ERR_TOO_MANY_STREAMS"
	VersionMismatch      Code = "ERR_VERSION_MISMATCH"
	WindowExceeded       Code = "ERR_WINDOW_EXCEEDED"

	AddressInUse       Code = "ERR_ADDRESS_IN_USE"
	AddressLost        Code = "ERR_ADDRESS_LOST"
	AddressUntrusted   Code = "ERR_ADDRESS_UNTRUSTED"
	ConnectFailed      Code = "ERR_CONNECT_FAILED"
	ConnectTimeout     Code = "ERR_CONNECT_TIMEOUT"
	EventsUnavailable  Code = "ERR_EVENTS_UNAVAILABLE"
	ListenFailed       Code = "ERR_LISTEN_FAILED"
	NoParent           Code = "ERR_NO_PARENT"
	NoRuntimeDirectory Code = "ERR_NO_RUNTIME_DIRECTORY"
	SecretFile         Code = "ERR_SECRET_FILE"
	SidecarEnded       Code = "ERR_SIDECAR_ENDED"
	SidecarTimeout     Code = "ERR_SIDECAR_TIMEOUT"
)

// Fault is who caused an error of this code. A code that is not the library's own came from the peer.
func (c Code) Fault() Party {
	switch c {
	case AddressTooLong, Closed, InvalidArgument, InvalidName, InvalidOption, MessageTooLarge, NotExpressible, ReservedType,
		SecretRequired, TypeOutOfRange:
		return Caller
	case AddressInUse, AddressLost, AddressUntrusted, ConnectFailed, ConnectTimeout, EventsUnavailable, ListenFailed,
		NoParent, NoRuntimeDirectory, SecretFile, SidecarEnded, SidecarTimeout:
		return System
	default:
		return Peer
	}
}

// Error is the type of every error of the library, possibly wrapped.
type Error struct {
	// Code is stable across versions.
	Code Code
	// Message is for people, and may change.
	Message string
	// Cause is the system's own error, if there is one.
	Cause error
	// Remote: a handler at the other end failed, and Code, Message and Data are its own.
	Remote bool
	// Data is the application's own about the failure of a handler; nil if there is none.
	Data []byte
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return fmt.Sprintf("%s: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Cause)
}

func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is the error's code.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// New makes an error of that code.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error of that code with the system's own behind it.
func Wrap(code Code, cause error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Cause: cause}
}
