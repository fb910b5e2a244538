package engine

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"testing"

	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

// shaken has a client ask a server for a session, and returns what the server was asked, and its error.
func shaken(t *testing.T, serverSecret, clientSecret []byte) (asked *wire.NativeHello, err error) {
	t.Helper()
	options := func(role wire.Side, secret []byte) HandshakeOptions {
		return HandshakeOptions{
			Role: role, Encryption: true, Profile: Native, Secret: secret, MaxMessageBytes: wire.DefaultMaxMessageBytes,
			Windows: [3]uint32{wire.MinWindow, wire.MinWindow, wire.MinWindow}, Offers: wire.NoOffers(), Resumable: true,
			NewKeyPair: func() (*ecdh.PrivateKey, error) { return ecdh.P384().GenerateKey(rand.Reader) },
			Random:     func(into []byte) { _, _ = rand.Read(into) },
		}
	}
	asking := options(wire.ClientSide, clientSecret)
	asking.Resume = &Ticket{
		Identity: session.Identity{ID: wire.SessionID{1}, ResumptionKey: make([]byte, wire.SecretBytes)}, Lanes: wire.LanesOfAll,
	}
	server, client := NewHandshake(options(wire.ServerSide, serverSecret)), NewHandshake(asking)
	toServer, toClient := &wire.Input{}, &wire.Input{}
	for _, part := range server.Start() {
		feed(toClient, part)
	}
	for range 20 {
		step, clientErr := client.Advance(toClient)
		if clientErr != nil {
			t.Fatal(clientErr)
		}
		for _, part := range step.Output {
			feed(toServer, part)
		}
		step, err = server.Advance(toServer)
		for _, part := range step.Output {
			feed(toClient, part)
		}
		if step.Resume != nil || err != nil {
			return step.Resume, err
		}
	}
	t.Fatal("the server was asked nothing")
	return nil, nil
}

func TestAClientWithoutTheSecretLearnsNothingOfSessions(t *testing.T) {
	if asked, err := shaken(t, []byte("secret"), []byte("secret")); asked == nil || err != nil || asked.ID != (wire.SessionID{1}) {
		t.Fatalf("a client with the secret asks %+v, %v", asked, err)
	}
	// The server refuses before it reads which session the client asks for: it cannot look it up.
	asked, err := shaken(t, []byte("secret"), []byte("guess"))
	if asked != nil || !errors.Is(err, fault.AuthenticationFailed) {
		t.Errorf("it asks %+v, %v", asked, err)
	}
}
