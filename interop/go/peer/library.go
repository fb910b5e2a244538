// Package peer is a small program around golang-ipc: it reads commands as JSON
// lines on stdin and tells what happens as JSON lines on stdout. Which release
// of golang-ipc it speaks through is the importing program's choice.
package peer

import (
	"errors"
	"strings"
)

// Message is what golang-ipc's Read returns: a message, or a change of status.
type Message struct {
	Type   int
	Data   []byte
	Status string // not empty: a change of status, and neither type nor data
}

// Endpoint is what golang-ipc's servers and clients have in common.
type Endpoint interface {
	Read() (Message, error)
	Write(messageType int, data []byte) error
	Status() string
	Close()
}

// ServerOptions is what a server can be told.
type ServerOptions struct {
	Encryption      bool
	MaxMessageBytes int // 0: the library's default
	Unmask          bool
}

// ClientOptions is what a client can be told.
type ClientOptions struct {
	Encryption     bool
	TimeoutSeconds float64 // 0: never gives up
	RetrySeconds   int     // 0: the library's least, one second
}

// Library is one release of golang-ipc.
type Library struct {
	StartServer func(name string, options ServerOptions) (Endpoint, error)
	StartClient func(name string, options ClientOptions) (Endpoint, error)

	// ServerReadsOn says that a server's Read still works after it returned an
	// error. Elsewhere the first error closes the library's channels.
	ServerReadsOn bool
}

// statusWord turns golang-ipc's text for a status into a lower-case word.
func statusWord(text string) string {
	word := strings.ReplaceAll(strings.ToLower(text), " ", "-")
	if word == "re-connecting" {
		return "reconnecting"
	}
	return word
}

// notStarted stands in for an endpoint that the library did not start.
type notStarted struct{}

var errNotStarted = errors.New("not started")

func (notStarted) Read() (Message, error)  { return Message{}, errNotStarted }
func (notStarted) Write(int, []byte) error { return errNotStarted }
func (notStarted) Status() string          { return "Not Connected" }
func (notStarted) Close()                  {}
