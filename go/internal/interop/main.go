// The interop program is one end that other languages' tests talk to: it reads commands as lines of JSON on its standard input
// and says what happens in lines of JSON on its standard output.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"sync"
	"time"

	"sealpipe"
)

// line is a command or an event.
type line map[string]any

var output = struct {
	sync.Mutex
	*json.Encoder
}{Encoder: json.NewEncoder(os.Stdout)}

func say(what line) {
	output.Lock()
	defer output.Unlock()
	_ = output.Encode(what)
}

func failed(err error) line {
	var known *sealpipe.Error
	if errors.As(err, &known) {
		return line{"event": "failed", "code": string(known.Code), "message": known.Message}
	}
	return line{"event": "failed", "code": "", "message": err.Error()}
}

func main() {
	name := flag.String("name", "", "where to meet")
	directory := flag.String("directory", "", "where the socket lies")
	profile := flag.String("profile", "auto", "auto, classic or native")
	secret := flag.String("secret", "", "a secret, as text")
	encryption := flag.Bool("encryption", true, "whether to encrypt, or to insist on it")
	echo := flag.Bool("echo", false, "whether to write messages back, those of type 99 with type 0")
	maxMessageBytes := flag.Int("max-message-bytes", 0, "the largest message")
	role := os.Args[1]
	_ = flag.CommandLine.Parse(os.Args[2:])

	options := &sealpipe.Options{
		Profile: sealpipe.Profile(*profile), DisableEncryption: !*encryption, Directory: *directory, MaxMessageBytes: *maxMessageBytes,
		Application: "interop", ApplicationVersion: "1",
		OnError:  func(_ *sealpipe.Conn, err error) { event := failed(err); event["event"] = "error"; say(event) },
		OnStatus: func(_ *sealpipe.Conn, status sealpipe.Status) { say(line{"event": "status", "status": status}) },
		OnSessionLost: func(_ *sealpipe.Conn, lost []sealpipe.Message) {
			say(line{"event": "session-lost", "count": len(lost)})
		},
	}
	if *secret != "" {
		options.Secret = []byte(*secret)
	}
	e := &end{echo: *echo, traffic: traffic{handled: map[uint32]bool{}, stop: make(chan struct{})}}
	var err error
	if role == "server" {
		err = e.serve(*name, options)
	} else {
		options.RetryDelay, options.MaxRetryDelay = time.Millisecond, 5*time.Millisecond
		err = e.dial(*name, options)
	}
	if err != nil {
		say(failed(err))
		os.Exit(1)
	}
	e.obey()
}

// end is a client, or a server with the client that came last.
type end struct {
	listener *sealpipe.Listener
	echo     bool
	traffic  traffic
	mu       sync.Mutex
	conn     *sealpipe.Conn
}

func (e *end) serve(name string, options *sealpipe.Options) error {
	listener, err := sealpipe.Listen(name, options)
	if err != nil {
		return err
	}
	e.listener = listener
	for requestType, handler := range e.handlers() {
		listener.Handle(requestType, handler)
	}
	say(line{"event": "status", "status": "listening"})
	go func() {
		for {
			conn, err := listener.Accept(context.Background())
			if err != nil {
				return
			}
			e.use(conn)
		}
	}()
	return nil
}

func (e *end) dial(name string, options *sealpipe.Options) error {
	conn, err := sealpipe.Dial(context.Background(), name, options)
	if err != nil {
		return err
	}
	for requestType, handler := range e.handlers() {
		conn.Handle(requestType, handler)
	}
	e.use(conn)
	return nil
}

func (e *end) use(conn *sealpipe.Conn) {
	e.mu.Lock()
	e.conn = conn
	e.mu.Unlock()
	say(line{
		"event": "connected", "profile": conn.Profile(), "encrypted": conn.Encrypted(), "pid": conn.Peer().PID,
		"application": conn.Peer().Application,
	})
	go func() {
		for message, err := range conn.Messages(context.Background()) {
			if err != nil {
				event := failed(err)
				event["event"] = "over"
				say(event)
				return
			}
			if e.echo {
				writeBack(conn, message)
				continue
			}
			if message.Type == trafficMessage {
				e.traffic.message(message.Data)
				continue
			}
			hash := sha256.Sum256(message.Data)
			say(line{"event": "message", "type": message.Type, "bytes": len(message.Data), "sha256": hex.EncodeToString(hash[:])})
		}
		say(line{"event": "over"})
	}()
}

// writeBack also tries what has to be refused.
func writeBack(conn *sealpipe.Conn, message sealpipe.Message) {
	if message.Type == zeroType {
		message.Type = 0
	}
	_ = conn.Write(context.Background(), message.Type, message.Data)
}

const (
	zeroType       = 99
	trafficMessage = 1
	trafficRequest = 2
	echoRequest    = 11
	failRequest    = 12
	endlessRequest = 13
)

func (e *end) handlers() map[uint32]sealpipe.Handler {
	return map[uint32]sealpipe.Handler{
		echoRequest: func(_ context.Context, r *sealpipe.Request) ([]byte, error) { return r.Data, nil },
		failRequest: func(context.Context, *sealpipe.Request) ([]byte, error) {
			return nil, sealpipe.Fail("NOT_FOUND", "not here")
		},
		trafficRequest: func(_ context.Context, r *sealpipe.Request) ([]byte, error) { return e.traffic.handle(r.Data), nil },
		endlessRequest: func(ctx context.Context, _ *sealpipe.Request) ([]byte, error) {
			<-ctx.Done()
			say(line{"event": "cancelled"})
			return nil, ctx.Err()
		},
	}
}

// command is a line on the standard input.
type command struct {
	ID          int
	Do          string
	Type, Bytes int
	Seed        int
	Count       int
}

func (e *end) obey() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			say(failed(err))
			continue
		}
		go func() {
			answer := e.do(&c)
			answer["id"] = c.ID
			say(answer)
			if c.Do == "close" {
				os.Exit(0)
			}
		}()
	}
	if e.listener != nil {
		_ = e.listener.Close()
	}
}

func (e *end) do(c *command) line {
	e.mu.Lock()
	conn := e.conn
	e.mu.Unlock()
	ctx := context.Background()
	var err error
	switch c.Do {
	case "write":
		err = conn.Write(ctx, uint32(c.Type), pattern(c.Bytes, c.Seed))
	case "sequence":
		for number := 0; number < c.Count && err == nil; number++ {
			err = conn.Write(ctx, uint32(c.Type), filled(uint32(number)))
		}
	case "flush":
		err = conn.Flush(ctx)
	case "request":
		var answer []byte
		if answer, err = conn.Request(ctx, uint32(c.Type), pattern(c.Bytes, c.Seed)); err == nil {
			hash := sha256.Sum256(answer)
			return line{"event": "answer", "bytes": len(answer), "sha256": hex.EncodeToString(hash[:])}
		}
	case "talk":
		return e.traffic.talk(conn)
	case "stop":
		close(e.traffic.stop)
	case "tally":
		return e.traffic.report()
	case "close":
		if e.listener != nil {
			err = e.listener.Close()
		} else {
			err = conn.Close()
		}
	}
	if err != nil {
		return failed(err)
	}
	return line{"event": "done"}
}

// pattern is the bodies that both ends make, so that contents can be compared without being sent twice.
func pattern(bytes, seed int) []byte {
	data := make([]byte, bytes)
	for index := range data {
		data[index] = byte(index*31 + seed*17 + (index>>8)*7)
	}
	return data
}
