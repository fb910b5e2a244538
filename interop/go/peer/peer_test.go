package peer

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// loop is an endpoint that reads what was written to it.
type loop struct{ messages chan Message }

func newLoop() *loop {
	l := &loop{messages: make(chan Message, 1000)}
	l.messages <- Message{Status: "Connected"}
	return l
}

func (l *loop) Read() (Message, error) {
	message, open := <-l.messages
	if !open {
		return Message{}, errors.New("closed")
	}
	return message, nil
}

func (l *loop) Write(messageType int, data []byte) error {
	if messageType == 0 {
		return errors.New("reserved")
	}
	l.messages <- Message{Type: messageType, Data: data}
	return nil
}

func (l *loop) Status() string { return "Connected" }
func (l *loop) Close()         { close(l.messages) }

// pipe is an endpoint that reads from one channel and writes to another.
type pipe struct{ in, out chan Message }

func newPipe() *pipe { return &pipe{in: make(chan Message), out: make(chan Message)} }

func (p *pipe) Read() (Message, error) { return <-p.in, nil }
func (p *pipe) Status() string         { return "Connected" }
func (p *pipe) Close()                 {}

func (p *pipe) Write(messageType int, data []byte) error {
	p.out <- Message{Type: messageType, Data: data}
	return nil
}

func (p *pipe) library() Library {
	return Library{StartClient: func(string, ClientOptions) (Endpoint, error) { return p, nil }}
}

var looping = Library{
	StartServer: func(string, ServerOptions) (Endpoint, error) { return newLoop(), nil },
	StartClient: func(string, ClientOptions) (Endpoint, error) { return newLoop(), nil },
}

// running is a peer under test.
type running struct {
	t        *testing.T
	commands *io.PipeWriter
	lines    *bufio.Scanner
	exit     chan int
}

func run(t *testing.T, library Library, arguments ...string) *running {
	commandsOut, commandsIn := io.Pipe()
	linesOut, linesIn := io.Pipe()
	r := &running{t: t, commands: commandsIn, lines: bufio.NewScanner(linesOut), exit: make(chan int, 1)}
	go func() {
		r.exit <- Run(library, arguments, commandsOut, linesIn)
		linesIn.Close()
	}()
	return r
}

func (r *running) do(command string) {
	if _, err := io.WriteString(r.commands, command+"\n"); err != nil {
		r.t.Fatal(err)
	}
}

// expect checks that the next line is that object.
func (r *running) expect(object string) {
	r.t.Helper()
	if !r.lines.Scan() {
		r.t.Fatalf("ended instead of %s", object)
	}
	var want, is any
	if err := json.Unmarshal([]byte(object), &want); err != nil {
		r.t.Fatal(err)
	}
	if err := json.Unmarshal(r.lines.Bytes(), &is); err != nil {
		r.t.Fatal(err)
	}
	wanted, _ := json.Marshal(want)
	got, _ := json.Marshal(is)
	if string(wanted) != string(got) {
		r.t.Fatalf("wanted %s\ngot    %s", wanted, got)
	}
}

func (r *running) end(code int) {
	r.t.Helper()
	r.commands.Close()
	for r.lines.Scan() {
		r.t.Errorf("one line more: %s", r.lines.Text())
	}
	if is := <-r.exit; is != code {
		r.t.Errorf("exit code %d", is)
	}
}

const helloSHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

func TestAServerTellsThatItListensBeforeItIsConnected(t *testing.T) {
	server := run(t, looping, "server", "--name", "x")
	server.expect(`{"event":"status","status":"listening"}`)
	server.expect(`{"event":"status","status":"connected"}`)
	server.end(0)
}

func TestItWritesAndTellsWhatItReceives(t *testing.T) {
	client := run(t, looping, "client", "--name", "x", "--encryption=false", "--timeout-seconds", "1.5", "--retry-seconds", "1")
	client.expect(`{"event":"status","status":"connected"}`)
	client.do(`{"do":"quiet","on":true,"id":"a"}`)
	client.expect(`{"event":"ok","id":"a"}`)
	client.do(`{"do":"write","id":1,"type":4294967295,"text":"hello"}`)
	client.expect(`{"event":"written","id":1}`)
	client.do(`{"do":"write","id":2,"type":0,"text":"hello"}`)
	client.expect(`{"event":"error","id":2,"error":"reserved","from":"write","fatal":false}`)
	client.do(`{"do":"status","id":3}`)
	client.expect(`{"event":"status","id":3,"status":"connected"}`)
	client.do(`nonsense`)
	client.expect(`{"event":"error","error":"invalid character 'o' in literal null (expecting 'u')","from":"command","fatal":false}`)
	client.do(`{"do":"close"}`)
	client.expect(`{"event":"error","error":"closed","from":"read","fatal":true}`)
	client.end(0)
}

func TestAMessageIsToldWithItsTextWhereItIsShortText(t *testing.T) {
	told := newPipe()
	client := run(t, told.library(), "client", "--name", "x")
	told.in <- Message{Type: 4294967295, Data: []byte("hello")}
	client.expect(`{"event":"message","type":4294967295,"bytes":5,"sha256":"` + helloSHA256 + `","text":"hello"}`)
	told.in <- Message{Type: 1, Data: []byte{0xff}}
	client.expect(`{"event":"message","type":1,"bytes":1,"sha256":"a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89"}`)
	client.end(0)
}

func TestAQuietPeerTellsNoMessageUntilItIsQuietNoMore(t *testing.T) {
	told := newPipe()
	client := run(t, told.library(), "client", "--name", "x")
	client.do(`{"do":"quiet","on":true,"id":1}`)
	client.expect(`{"event":"ok","id":1}`)
	told.in <- Message{Type: 5, Data: []byte("hello")}
	// Told once the message before it has been dealt with.
	told.in <- Message{Status: "Connected"}
	client.expect(`{"event":"status","status":"connected"}`)
	client.do(`{"do":"quiet","on":false,"id":2}`)
	client.expect(`{"event":"ok","id":2}`)
	told.in <- Message{Type: 6, Data: []byte("hello")}
	client.expect(`{"event":"message","type":6,"bytes":5,"sha256":"` + helloSHA256 + `","text":"hello"}`)
	client.end(0)
}

func TestAnEchoKeepsOrderTypeAndBody(t *testing.T) {
	echoed := newPipe()
	client := run(t, echoed.library(), "client", "--name", "x")
	client.do(`{"do":"quiet","on":true}`)
	client.do(`{"do":"echo","on":true,"id":1}`)
	client.expect(`{"event":"ok","id":1}`)
	for i := 1; i <= 100; i++ {
		echoed.in <- Message{Type: i, Data: []byte{byte(i)}}
	}
	for i := 1; i <= 100; i++ {
		if message := <-echoed.out; message.Type != i || len(message.Data) != 1 || message.Data[0] != byte(i) {
			t.Fatalf("%d came back as %v", i, message)
		}
	}
	client.end(0)
}

func TestASequenceIsInOrderUntilItStartsAgain(t *testing.T) {
	client := run(t, looping, "client", "--name", "x")
	client.expect(`{"event":"status","status":"connected"}`)
	client.do(`{"do":"quiet","on":true}`)
	for round, inOrder := range []string{"true", "false"} {
		client.do(`{"do":"sequence","id":1,"type":9,"count":10,"bytes":8}`)
		client.expect(`{"event":"written","id":1}`)
		counted := client.countOf(10 * (round + 1))
		if !strings.Contains(counted, `"inOrder":`+inOrder) || !strings.Contains(counted, `"bytes":`) {
			t.Error(counted)
		}
	}
	client.end(0)
}

// countOf asks until so many messages have arrived.
func (r *running) countOf(messages int) string {
	for {
		r.do(`{"do":"count"}`)
		r.lines.Scan()
		var counted struct{ Messages int }
		if err := json.Unmarshal(r.lines.Bytes(), &counted); err != nil {
			r.t.Fatal(err)
		}
		if counted.Messages == messages {
			return r.lines.Text()
		}
		time.Sleep(time.Millisecond)
	}
}

func TestHandshakesRunToTheirEnd(t *testing.T) {
	rounds := run(t, looping, "handshakes", "--name", "x", "--count", "200")
	rounds.expect(`{"event":"progress","done":100}`)
	rounds.expect(`{"event":"progress","done":200}`)
	rounds.expect(`{"event":"done","rounds":200}`)
	rounds.end(0)
}

func TestAHandshakeThatFailsEndsTheRounds(t *testing.T) {
	failing := Library{StartClient: func(string, ClientOptions) (Endpoint, error) { return nil, errors.New("no") }}
	rounds := run(t, failing, "handshakes", "--name", "x", "--count", "3")
	rounds.expect(`{"event":"error","error":"no","from":"handshakes","fatal":true,"round":0}`)
	rounds.end(1)
}

func TestAnEndpointThatDidNotStartStillAnswers(t *testing.T) {
	failing := Library{StartServer: func(string, ServerOptions) (Endpoint, error) { return nil, errors.New("no") }}
	server := run(t, failing, "server", "--name", "")
	server.expect(`{"event":"error","error":"no","from":"start","fatal":true}`)
	server.do(`{"do":"status","id":1}`)
	server.expect(`{"event":"status","id":1,"status":"not-connected"}`)
	server.end(0)
}

func TestAPatternFollowsFromPlaceAndSeed(t *testing.T) {
	body := patternBody(513, 7)
	for i, want := range map[int]byte{0: 119, 1: 150, 255: 88, 256: 126, 512: 133} {
		if body[i] != want {
			t.Errorf("byte %d is %d, not %d", i, body[i], want)
		}
	}
}
