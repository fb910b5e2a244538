package ipc

import "time"

// Message is what Read gives.
type Message struct {
	Err     error  // details of an error
	MsgType int    // -1 for a change of status or an error, otherwise the type it was sent with
	Data    []byte // what was sent
	Status  string // the status, of a change
	Conn    *Conn  // the client it is about, at a server; nil at a client
}

// Status is where a server or client stands.
type Status int

const (
	NotConnected Status = iota
	Listening
	Connecting
	Connected
	ReConnecting
	Closed
	Closing
	Error
	Timeout
	Disconnected
)

var statusTexts = [...]string{
	"Not Connected", "Listening", "Connecting", "Connected", "Reconnecting", "Closed", "Closing", "Error", "Timeout", "Disconnected",
}

// String is the status as text.
func (status *Status) String() string {
	if *status < 0 || int(*status) >= len(statusTexts) {
		return "Status not found"
	}
	return statusTexts[*status]
}

// ServerConfig overrides the defaults of StartServer. Without a config a server encrypts; with one it does if Encryption says
// so.
type ServerConfig struct {
	MaxMsgSize        int // in bytes; under 1024 the default, 3145728
	Encryption        bool
	UnmaskPermissions bool // every user of the machine may connect
}

// ClientConfig overrides the defaults of StartClient. Without a config a client insists on encryption; with one it does if
// Encryption says so, and otherwise follows the server.
type ClientConfig struct {
	Timeout    float64       // seconds to try to connect, and to reconnect; 0 never gives up
	RetryTimer time.Duration // the number of seconds, not a duration, between tries at the most; under 1 it is 1
	Encryption bool
}
