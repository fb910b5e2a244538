package peer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

const (
	// Messages up to this many bytes are told with their text.
	maxTextBytes = 256

	// A reader that returns this many errors in a row is spinning.
	maxErrorsInARow = 100
)

// session is one server or client and what was asked of it.
type session struct {
	library  Library
	isServer bool
	endpoint Endpoint
	output   *output
	tally    *tally
	quiet    atomic.Bool
	echoing  atomic.Bool
	echoes   *queue[echo]
	writes   *queue[func()]

	mutex     sync.Mutex
	listening bool // told already
	socket    string
	ours      os.FileInfo // the socket that was there when listening began
	stopped   atomic.Bool // no longer reads
}

func newSession(library Library, isServer bool, output *output) *session {
	return &session{
		library:  library,
		isServer: isServer,
		endpoint: notStarted{},
		output:   output,
		tally:    newTally(),
		echoes:   newQueue[echo](),
		writes:   newQueue[func()](),
	}
}

func (s *session) start(options options) {
	var endpoint Endpoint
	var err error
	if s.isServer {
		s.socket = "/tmp/" + options.name + ".sock"
		endpoint, err = s.library.StartServer(options.name, options.server)
	} else {
		endpoint, err = s.library.StartClient(options.name, options.client)
	}
	if endpoint != nil {
		s.endpoint = endpoint
	}
	go s.writeCommanded()
	go s.writeEchoes()
	if err != nil {
		s.output.emit(event{Event: "error", Error: err.Error(), From: "start", Fatal: pointer(true)})
		return
	}
	if s.isServer {
		s.tellListening() // before reading, where the library listens already
		go s.awaitListening()
	}
	go s.read()
}

// read reads until the library can give no more.
func (s *session) read() {
	defer s.stopped.Store(true)
	errorsInARow := 0
	for {
		message, err := s.endpoint.Read()
		if err != nil {
			errorsInARow++
			readsOn := s.isServer && s.library.ServerReadsOn && errorsInARow < maxErrorsInARow
			s.output.emit(event{Event: "error", Error: err.Error(), From: "read", Fatal: pointer(!readsOn)})
			if !readsOn {
				return
			}
			continue
		}
		errorsInARow = 0
		if message.Status != "" {
			s.sawStatus(statusWord(message.Status))
			continue
		}
		s.received(message)
	}
}

func (s *session) received(message Message) {
	s.tally.add(message.Type, message.Data)
	if s.echoing.Load() {
		s.echoes.put(echo{message, time.Now()})
	}
	if s.quiet.Load() {
		return
	}
	digest := sha256.Sum256(message.Data)
	told := event{
		Event:  "message",
		Type:   pointer(message.Type),
		Bytes:  pointer(len(message.Data)),
		SHA256: hex.EncodeToString(digest[:]),
	}
	if len(message.Data) <= maxTextBytes && utf8.Valid(message.Data) {
		told.Text = pointer(string(message.Data))
	}
	var object map[string]any
	if json.Unmarshal(message.Data, &object) == nil {
		told.Object = object
	}
	s.output.emit(told)
}

// awaitListening polls: not every release of the library says when it listens.
func (s *session) awaitListening() {
	for !s.tellListening() && !s.stopped.Load() {
		time.Sleep(2 * time.Millisecond)
	}
}

func (s *session) tellListening() bool {
	status := statusWord(s.endpoint.Status())
	if status == "not-connected" {
		return false
	}
	if status == "listening" || status == "connected" {
		s.sawStatus("listening")
	}
	return true
}

// sawStatus tells of a change of status, and of listening once and first.
func (s *session) sawStatus(word string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.isServer && !s.listening && (word == "listening" || word == "connected") {
		s.listening = true
		s.ours, _ = os.Lstat(s.socket)
		s.output.emit(event{Event: "status", Status: "listening"})
	} else if word == "listening" {
		return
	}
	if word != "listening" {
		s.output.emit(event{Event: "status", Status: word})
	}
}

// removeSocket removes the server's socket file, unless another server has
// put its own there. There is no such file on Windows.
func (s *session) removeSocket() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.ours == nil {
		return
	}
	now, err := os.Lstat(s.socket)
	if err == nil && os.SameFile(now, s.ours) {
		os.Remove(s.socket)
	}
}
