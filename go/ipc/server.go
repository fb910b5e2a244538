package ipc

import (
	"context"
	"errors"
	"sync"

	"sealpipe"
)

const (
	defaultMaxMsgSize = 3145728
	minMaxMsgSize     = 1024
)

// Server serves several clients at a time.
type Server struct {
	listener *sealpipe.Listener
	mailbox  *mailbox
	running  sync.WaitGroup
	// maxMsgSize is the largest message, in bytes.
	maxMsgSize int

	mu    sync.Mutex
	open  map[*Conn]bool
	heard *Conn
}

// Conn is one client of a server.
type Conn struct{ conn *sealpipe.Conn }

// StartServer starts a server that clients find by that name.
func StartServer(ipcName string, config *ServerConfig) (*Server, error) {
	if ipcName == "" {
		return nil, errors.New("ipcName cannot be an empty string")
	}
	if config == nil {
		config = &ServerConfig{Encryption: true}
	}
	s := &Server{mailbox: newMailbox(), open: map[*Conn]bool{}}
	options := &sealpipe.Options{
		AnyName: true, DisableEncryption: !config.Encryption, UnmaskPermissions: config.UnmaskPermissions,
		MaxMessageBytes: config.MaxMsgSize, OnError: s.failed,
	}
	if options.MaxMessageBytes < minMaxMsgSize {
		options.MaxMessageBytes = defaultMaxMsgSize
	}
	listener, err := sealpipe.Listen(ipcName, options)
	if err != nil {
		return nil, err
	}
	s.listener, s.maxMsgSize = listener, options.MaxMessageBytes
	s.mailbox.status = Listening
	s.running.Add(1)
	go s.accept()
	return s, nil
}

// failed is told what goes wrong without ending the server: a client that fails its handshake, a connection that breaks.
func (s *Server) failed(conn *sealpipe.Conn, err error) {
	if conn == nil {
		s.mailbox.offer(&Message{Err: handshakeError(err), MsgType: -1})
	}
}

// handshakeError has golang-ipc's texts.
func handshakeError(err error) error {
	switch {
	case errors.Is(err, sealpipe.ErrVersionMismatch):
		return errors.New("client has a different version number")
	case errors.Is(err, sealpipe.ErrEncryptionRequired):
		return errors.New("client is enforcing encryption")
	default:
		return err
	}
}

func (s *Server) accept() {
	defer s.running.Done()
	for {
		accepted, err := s.listener.Accept(context.Background())
		if err != nil {
			return
		}
		conn := &Conn{accepted}
		s.mu.Lock()
		s.open[conn] = true
		s.heard = conn
		s.mu.Unlock()
		s.mailbox.move(Connected, conn)
		s.running.Add(1)
		go s.read(conn)
	}
}

func (s *Server) read(conn *Conn) {
	defer s.running.Done()
	for message, err := range conn.conn.Messages(context.Background()) {
		if err != nil {
			break
		}
		s.mu.Lock()
		s.heard = conn
		s.mu.Unlock()
		s.mailbox.put(&Message{MsgType: int(message.Type), Data: message.Data, Conn: conn})
	}
	s.mu.Lock()
	delete(s.open, conn)
	left := len(s.open)
	if s.heard == conn {
		s.heard = nil
		for other := range s.open {
			s.heard = other
		}
	}
	s.mu.Unlock()
	if left > 0 {
		s.mailbox.tell(Disconnected, conn)
	} else {
		s.mailbox.move(Disconnected, conn)
	}
}

// Read waits for the next message. Those with a MsgType of -1 tell of a change of Status, or of an Err that ends nothing. After
// Close it gives an error, and then blocks.
func (s *Server) Read() (*Message, error) { return s.mailbox.read() }

// Write sends a message to the client that was heard last.
func (s *Server) Write(msgType int, message []byte) error {
	s.mu.Lock()
	conn := s.heard
	s.mu.Unlock()
	if conn != nil {
		return conn.Write(msgType, message)
	}
	if uint32(msgType) == 0 {
		return errReserved
	}
	if len(message) > s.maxMsgSize {
		return errTooLarge
	}
	status := s.mailbox.current()
	return errors.New(status.String())
}

// Broadcast sends a message to every client.
func (s *Server) Broadcast(msgType int, message []byte) error {
	return serverError(s.listener.Broadcast(context.Background(), uint32(msgType), message))
}

// Write sends a message to this client.
func (c *Conn) Write(msgType int, message []byte) error {
	return serverError(c.conn.Write(context.Background(), uint32(msgType), message))
}

var (
	errReserved = errors.New("message type 0 is reserved")
	errTooLarge = errors.New("message exceeds maximum message length")
)

func serverError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sealpipe.ErrReservedType):
		return errReserved
	case errors.Is(err, sealpipe.ErrMessageTooLarge), errors.Is(err, sealpipe.ErrTooLargeForPeer):
		return errTooLarge
	default:
		status := Disconnected
		return errors.New(status.String())
	}
}

// StatusCode is where the server stands.
func (s *Server) StatusCode() Status { return s.mailbox.current() }

// Status is the same as text.
func (s *Server) Status() string {
	status := s.mailbox.current()
	return status.String()
}

// Close ends the server and its connections, once what was written has left.
func (s *Server) Close() {
	if !s.mailbox.close() {
		return
	}
	_ = s.listener.Close()
	s.running.Wait()
	s.mailbox.end(Closed, true, errors.New("server has closed the connection"))
}
