package sealpipe

import (
	"context"
	"errors"
	"io/fs"
	"runtime"
	"syscall"
	"time"

	"sealpipe/internal/engine"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

const (
	// livenessPatience is how long a live server may take to answer.
	livenessPatience = 2 * time.Second
	// Linux refuses only if nobody listens. Other systems also refuse if as many clients wait for a server as the system
	// allows, so there a socket has to refuse often before it counts as dead.
	refusalsElsewhere = 10
	refusalPause      = 50 * time.Millisecond
)

// isServerAlive reports whether a server is alive at the address. Only a socket that refuses connections, or does not
// exist, counts as dead.
//
// A golang-ipc server stops serving for ever when a client hangs up in the handshake. So the kernel's list is
// consulted first, which the server does not notice; if only a connection can show it, the handshake is finished
// before the connection is closed.
func isServerAlive(address transport.Address) bool {
	if transport.IsListedAsListening(address.Path) {
		return true
	}
	needed := 1
	if runtime.GOOS != "linux" {
		needed = refusalsElsewhere
	}
	for refused := range needed {
		if refused > 0 {
			time.Sleep(refusalPause)
		}
		if answers(address) {
			return true
		}
	}
	return false
}

func answers(address transport.Address) bool {
	ctx, cancel := context.WithTimeout(context.Background(), livenessPatience)
	defer cancel()
	t, err := transport.Dial(ctx, address)
	if err != nil {
		return !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, fs.ErrNotExist)
	}
	meet(t, address)
	return true
}

// meet completes the handshake and closes in order.
func meet(t transport.Conn, address transport.Address) {
	config, err := parseOptions(&Options{
		DisableEncryption: true, Profile: ProfileClassic, HandshakeTimeout: livenessPatience, CloseTimeout: livenessPatience,
	}, wire.ClientSide)
	if err != nil {
		panic(err) // The options are the library's own.
	}
	s := &shaking{transport: t, in: &wire.Input{}, handshake: engine.NewHandshake(config.handshakeOptions(wire.ClientSide, nil))}
	opened, err := s.do(livenessPatience)
	if err != nil {
		_ = t.Close()
		return
	}
	leave(config, wire.ClientSide, address, t, s.in, opened)
}
