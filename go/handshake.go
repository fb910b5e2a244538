package sealpipe

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"os"
	"time"

	"sealpipe/internal/engine"
	"sealpipe/internal/fault"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

func newKeyPair() (*ecdh.PrivateKey, error) { return ecdh.P384().GenerateKey(rand.Reader) }

// handshakeOptions are the options of either role; only a client has a resume.
func (c *config) handshakeOptions(role wire.Side, resume *engine.Ticket) engine.HandshakeOptions {
	return engine.HandshakeOptions{
		Role: role, Encryption: !c.DisableEncryption, Profile: c.Profile, Secret: c.secret,
		MaxMessageBytes: uint32(c.MaxMessageBytes), Windows: c.windows(), Self: c.self(), Offers: c.offers(),
		Resumable: role == wire.ClientSide || c.ResumeWindow > 0, Resume: resume,
		NewKeyPair: newKeyPair, Random: random,
	}
}

// shaking is a handshake on a transport.
type shaking struct {
	handshake *engine.Handshake
	transport transport.Conn
	in        *wire.Input
	heard     bool
	// beforeCostly, if set, is called before a step that costs much more than it cost the peer; the function that it
	// returns is called after the step.
	beforeCostly func() (after func())
	// resume answers a client that wants to resume a session.
	resume func(hello *wire.NativeHello) (engine.Step, error)
}

// do completes the handshake, and returns its result. The transport's deadline bounds it.
func (s *shaking) do(timeout time.Duration) (*engine.Opened, error) {
	_ = s.transport.SetDeadline(time.Now().Add(timeout))
	err := s.write(s.handshake.Start())
	for err == nil && s.handshake.Opened == nil {
		var progress bool
		if progress, err = s.advance(); err == nil && !progress {
			err = s.read()
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = s.timedOut(timeout)
	}
	if err != nil {
		s.handshake.Wipe()
		return nil, err
	}
	_ = s.transport.SetDeadline(time.Time{})
	return s.handshake.Opened, nil
}

func (s *shaking) advance() (bool, error) {
	after := func() {}
	if s.beforeCostly != nil && s.handshake.NextIsCostly(s.in) {
		after = s.beforeCostly()
	}
	step, err := s.handshake.Advance(s.in)
	after()
	if err == nil && step.Resume != nil {
		step, err = s.resume(step.Resume)
	}
	if writing := s.write(step.Output); err == nil {
		err = writing
	}
	return step.Progress, err
}

// write writes each part separately: golang-ipc reads each with a single read.
func (s *shaking) write(parts [][]byte) error {
	for _, part := range parts {
		if _, err := s.transport.Write(part); err != nil {
			return s.broken(err)
		}
	}
	return nil
}

func (s *shaking) read() error {
	count, err := s.transport.Read(s.in.Space())
	s.in.Advance(count)
	s.heard = s.heard || count > 0
	if count > 0 || err == nil {
		return nil
	}
	return s.broken(err)
}

func (s *shaking) broken(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return fault.Wrap(fault.ConnectionLost, err, "the connection to the peer was lost in the handshake")
}

func (s *shaking) timedOut(timeout time.Duration) error {
	if s.handshake.State() == engine.ClientAwaitsHello && !s.heard {
		return fault.New(fault.HandshakeTimeout, "the handshake was not over within %v: the server accepted the connection and said nothing. The likely cause is a golang-ipc server that already has its one client; it ignores every further one", timeout)
	}
	return fault.New(fault.HandshakeTimeout, "the handshake was not over within %v", timeout)
}

// leave closes a connection that is not needed, in order: a golang-ipc server whose client hangs up stops serving for
// good.
func leave(config *config, role wire.Side, address transport.Address, t transport.Conn, in *wire.Input, opened *engine.Opened) {
	c := newConn(config.silent(), role, address)
	c.mu.Lock()
	sess := c.newSession(opened)
	c.attach(newLink(c, t, in, opened, sess), opened, sess)
	c.mu.Unlock()
	_ = c.Close()
}

// silent is the same config without callbacks.
func (c *config) silent() *config {
	quiet := *c
	quiet.Logger, quiet.OnStatus, quiet.OnError, quiet.OnSessionLost = nil, nil, nil, nil
	return &quiet
}
