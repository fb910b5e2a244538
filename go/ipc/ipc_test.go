package ipc

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"sealpipe/internal/leaktest"
)

const patience = 20 * time.Second

var lastName atomic.Int64

func freshName() string {
	run := os.Getenv("SEALPIPE_TEST_RUN")
	// With characters that golang-ipc takes.
	return fmt.Sprintf("sealpipe-test-%s-ipc: %d %d", run[:min(8, len(run))], os.Getpid(), lastName.Add(1))
}

func TestMain(m *testing.M) {
	os.Exit(leaktest.Run(m, fmt.Sprintf("/tmp/sealpipe-test-*-ipc: %d *", os.Getpid())))
}

func startServer(t *testing.T, name string, config *ServerConfig) *Server {
	t.Helper()
	server, err := StartServer(name, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

func startClient(t *testing.T, name string, config *ClientConfig) *Client {
	t.Helper()
	client, err := StartClient(name, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// next is what Read gives, in time.
func next(t *testing.T, read func() (*Message, error)) (*Message, error) {
	t.Helper()
	type result struct {
		message *Message
		err     error
	}
	done := make(chan result, 1)
	go func() {
		message, err := read()
		done <- result{message, err}
	}()
	select {
	case r := <-done:
		return r.message, r.err
	case <-time.After(patience):
		t.Fatal("Read gave nothing")
		return nil, nil
	}
}

// awaitStatus reads until a message has that status.
func awaitStatus(t *testing.T, read func() (*Message, error), status string) *Message {
	t.Helper()
	for {
		message, err := next(t, read)
		if err != nil {
			t.Fatalf("instead of %s: %v", status, err)
		}
		if message.MsgType == -1 && message.Status == status {
			return message
		}
	}
}

func awaitMessage(t *testing.T, read func() (*Message, error)) *Message {
	t.Helper()
	for {
		message, err := next(t, read)
		if err != nil {
			t.Fatal(err)
		}
		if message.MsgType > 0 {
			return message
		}
	}
}

func connect(t *testing.T, server *ServerConfig, client *ClientConfig) (*Server, *Client) {
	t.Helper()
	name := freshName()
	s, c := startServer(t, name, server), startClient(t, name, client)
	awaitStatus(t, s.Read, "Connected")
	awaitStatus(t, c.Read, "Connected")
	return s, c
}

func TestANameMustNotBeEmpty(t *testing.T) {
	const text = "ipcName cannot be an empty string"
	if _, err := StartServer("", nil); err == nil || err.Error() != text {
		t.Error(err)
	}
	if _, err := StartClient("", nil); err == nil || err.Error() != text {
		t.Error(err)
	}
}

func TestEveryConfigHasItsDefaults(t *testing.T) {
	for _, config := range []*ServerConfig{nil, {}, {MaxMsgSize: -1}, {MaxMsgSize: 1023}, {MaxMsgSize: 1025}} {
		want := defaultMaxMsgSize
		if config != nil && config.MaxMsgSize == 1025 {
			want = 1025
		}
		if server := startServer(t, freshName(), config); server.maxMsgSize != want || server.StatusCode() != Listening {
			t.Errorf("%+v: %d, %s", config, server.maxMsgSize, server.Status())
		}
	}
	for _, config := range []*ClientConfig{nil, {}, {Timeout: -1, RetryTimer: -1}, {RetryTimer: 1}} {
		if client := startClient(t, freshName(), config); client.Status() != "Connecting" {
			t.Errorf("%+v: %s", config, client.Status())
		}
	}
}

func TestASocketIsOpenToAllIfAskedFor(t *testing.T) {
	name := freshName()
	startServer(t, name, &ServerConfig{UnmaskPermissions: true})
	info, err := os.Stat("/tmp/" + name + ".sock")
	if err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("%v: %v", info.Mode(), err)
	}
}

func TestMessagesOfBothEndsArriveWithTheirTypes(t *testing.T) {
	for name, configs := range map[string]struct {
		server *ServerConfig
		client *ClientConfig
	}{
		"encrypted by default": {nil, nil},
		"plain":                {&ServerConfig{Encryption: false}, &ClientConfig{Encryption: false}},
		"a client that follows": {
			&ServerConfig{Encryption: true}, &ClientConfig{Encryption: false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := connect(t, configs.server, configs.client)
			text := []byte("Here is a test message and some more test data to pad it out")
			if err := c.Write(5, text); err != nil {
				t.Fatal(err)
			}
			message := awaitMessage(t, s.Read)
			if message.MsgType != 5 || !bytes.Equal(message.Data, text) {
				t.Errorf("%+v", message)
			}
			if err := s.Write(7, nil); err != nil {
				t.Fatal(err)
			}
			if message := awaitMessage(t, c.Read); message.MsgType != 7 || len(message.Data) != 0 {
				t.Errorf("%+v", message)
			}
			if err := message.Conn.Write(4294967295, text); err != nil {
				t.Fatal(err)
			}
			if message := awaitMessage(t, c.Read); message.MsgType != 4294967295 {
				t.Errorf("%+v", message)
			}
		})
	}
}

func TestWhatCannotBeWrittenSaysWhy(t *testing.T) {
	lonely := startServer(t, freshName(), nil)
	s, c := connect(t, &ServerConfig{MaxMsgSize: 2048, Encryption: true}, nil)
	waiting := startClient(t, freshName(), nil)
	for _, failure := range []struct {
		err  error
		text string
	}{
		{s.Write(0, nil), "message type 0 is reserved"},
		{s.Write(2, make([]byte, 2049)), "message exceeds maximum message length"},
		{lonely.Write(0, nil), "message type 0 is reserved"},
		{lonely.Write(2, make([]byte, defaultMaxMsgSize+1)), "message exceeds maximum message length"},
		{lonely.Write(2, nil), "Listening"},
		{c.Write(0, nil), "Message type 0 is reserved"},
		{c.Write(2, make([]byte, 2049)), "Message exceeds maximum message length"},
		{waiting.Write(2, nil), "Connecting"},
	} {
		if failure.err == nil || failure.err.Error() != failure.text {
			t.Errorf("%v, not %s", failure.err, failure.text)
		}
	}
	if s.Status() != "Connected" || c.StatusCode() != Connected {
		t.Errorf("%s and %s", s.Status(), c.Status())
	}
}

func TestStatusesHaveTheirTexts(t *testing.T) {
	for status, text := range map[Status]string{
		NotConnected: "Not Connected", Listening: "Listening", Connecting: "Connecting", Connected: "Connected",
		ReConnecting: "Reconnecting", Closed: "Closed", Closing: "Closing", Error: "Error", Timeout: "Timeout",
		Disconnected: "Disconnected", 33: "Status not found", -1: "Status not found",
	} {
		if status.String() != text {
			t.Errorf("%d is %s", int(status), status.String())
		}
	}
}

func TestAClientThatInsistsOnEncryptionSaysSo(t *testing.T) {
	name := freshName()
	s := startServer(t, name, &ServerConfig{Encryption: false})
	c := startClient(t, name, &ClientConfig{Encryption: true})
	awaitStatus(t, c.Read, "Connecting")
	if _, err := next(t, c.Read); err == nil || err.Error() != "server tried to connect without encryption" {
		t.Error(err)
	}
	message, err := next(t, s.Read)
	if err != nil || message.MsgType != -1 || message.Err == nil || message.Err.Error() != "client is enforcing encryption" {
		t.Errorf("%+v: %v", message, err)
	}
	// The server goes on, as golang-ipc's does not.
	other := startClient(t, name, &ClientConfig{Encryption: false})
	awaitStatus(t, other.Read, "Connected")
}

func TestAClientOfAnotherVersionHarmsNobody(t *testing.T) {
	name := freshName()
	s := startServer(t, name, nil)
	conn, err := net.Dial("unix", "/tmp/"+name+".sock")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Read(make([]byte, 2))
	_, _ = conn.Write([]byte{1})
	message, err := next(t, s.Read)
	if err != nil || message.Err == nil || message.Err.Error() != "client has a different version number" {
		t.Errorf("%+v: %v", message, err)
	}
	_ = conn.Close()
	awaitStatus(t, startClient(t, name, nil).Read, "Connected")
}

func TestAServerOfAnotherVersionIsRefused(t *testing.T) {
	name := freshName()
	listener, err := net.Listen("unix", "/tmp/"+name+".sock")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = conn.Write([]byte{3, 1})
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
	}()
	c := startClient(t, name, nil)
	awaitStatus(t, c.Read, "Connecting")
	if _, err := next(t, c.Read); err == nil || err.Error() != "server has sent a different version number" {
		t.Error(err)
	}
}

func TestAClientGivesUpAfterItsTimeout(t *testing.T) {
	c := startClient(t, freshName(), &ClientConfig{Timeout: 0.2, RetryTimer: 1, Encryption: true})
	awaitStatus(t, c.Read, "Connecting")
	if _, err := next(t, c.Read); err == nil || err.Error() != "timed out trying to connect" {
		t.Error(err)
	}
	if c.Status() != "Closed" {
		t.Error(c.Status())
	}
}

func TestAClientComesBackToARestartedServer(t *testing.T) {
	name := freshName()
	first := startServer(t, name, nil)
	c := startClient(t, name, nil)
	awaitStatus(t, c.Read, "Connected")
	first.Close()
	awaitStatus(t, c.Read, "Reconnecting")
	if err := c.Write(1, nil); err == nil || err.Error() != "Reconnecting" {
		t.Error(err)
	}
	second := startServer(t, name, nil)
	awaitStatus(t, c.Read, "Connected")
	if err := c.Write(9, []byte("back")); err != nil {
		t.Fatal(err)
	}
	if message := awaitMessage(t, second.Read); message.MsgType != 9 {
		t.Errorf("%+v", message)
	}
}

func TestAClientGivesUpReconnectingAfterItsTimeout(t *testing.T) {
	name := freshName()
	s := startServer(t, name, nil)
	c := startClient(t, name, &ClientConfig{Timeout: 0.3, RetryTimer: 1, Encryption: true})
	awaitStatus(t, c.Read, "Connected")
	s.Close()
	awaitStatus(t, c.Read, "Timeout")
	if _, err := next(t, c.Read); err == nil || err.Error() != "timed out trying to re-connect" {
		t.Error(err)
	}
}

func TestTheServerHearsThatItsClientHasGone(t *testing.T) {
	s, c := connect(t, nil, nil)
	c.Close()
	awaitStatus(t, s.Read, "Disconnected")
	if s.StatusCode() != Disconnected {
		t.Error(s.Status())
	}
	if err := s.Write(1, nil); err == nil || err.Error() != "Disconnected" {
		t.Error(err)
	}
}

func TestCloseIsTheEndOfRead(t *testing.T) {
	s, c := connect(t, nil, nil)
	for _, end := range []struct {
		close func()
		read  func() (*Message, error)
		text  string
	}{{c.Close, c.Read, "client has closed the connection"}, {s.Close, s.Read, "server has closed the connection"}} {
		end.close()
		awaitStatus(t, end.read, "Closed")
		if _, err := next(t, end.read); err == nil || err.Error() != end.text {
			t.Error(err)
		}
	}
	if s.Status() != "Closed" || c.Status() != "Closed" {
		t.Errorf("%s and %s", s.Status(), c.Status())
	}
}

func TestAServerHasManyClients(t *testing.T) {
	name := freshName()
	s := startServer(t, name, nil)
	var clients []*Client
	for range 5 {
		client := startClient(t, name, nil)
		awaitStatus(t, client.Read, "Connected")
		awaitStatus(t, s.Read, "Connected")
		clients = append(clients, client)
	}
	if err := s.Broadcast(3, []byte("all")); err != nil {
		t.Fatal(err)
	}
	for _, client := range clients {
		if message := awaitMessage(t, client.Read); message.MsgType != 3 {
			t.Errorf("%+v", message)
		}
	}
	if err := clients[2].Write(1, []byte("it is me")); err != nil {
		t.Fatal(err)
	}
	awaitMessage(t, s.Read)
	if err := s.Write(2, []byte("to whom was heard last")); err != nil {
		t.Fatal(err)
	}
	awaitMessage(t, clients[2].Read)
	clients[0].Close()
	awaitStatus(t, s.Read, "Disconnected")
	if s.Status() != "Connected" {
		t.Errorf("%s with four clients", s.Status())
	}
}

func TestManyMessagesArriveInOrderWithoutAPause(t *testing.T) {
	s, c := connect(t, nil, nil)
	const count = 5_000
	go func() {
		for number := range count {
			_ = s.Write(number+1, []byte("message"))
		}
	}()
	began := time.Now()
	for number := range count {
		if message := awaitMessage(t, c.Read); message.MsgType != number+1 {
			t.Fatalf("%d came as the %dth", message.MsgType, number)
		}
	}
	// golang-ipc's server sleeps 2 ms after each: that would be 10 s.
	t.Logf("%v for %d messages", time.Since(began), count)
}
