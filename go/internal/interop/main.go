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
		hash := sha256.Sum256(known.Data)
		return line{"event": "failed", "code": string(known.Code), "message": known.Message, "sha256": hex.EncodeToString(hash[:])}
	}
	return line{"event": "failed", "code": "", "message": err.Error()}
}

func main() {
	if role := os.Args[1]; role == "attacked" || role == "unread" {
		runAttacked(os.Args[2], os.Args[3], role == "unread")
		return
	} else if role == "starter" {
		runStarter()
		return
	} else if role == "sidecar" {
		runSidecar(os.Args[2], os.Args[3])
		return
	} else if role == "handshakes" {
		runHandshakes(os.Args[2], os.Args[3])
		return
	}
	name := flag.String("name", "", "where to meet")
	directory := flag.String("directory", "", "where the socket lies")
	profile := flag.String("profile", "auto", "auto, classic or native")
	secret := flag.String("secret", "", "a secret, as text")
	encryption := flag.Bool("encryption", true, "whether to encrypt, or to insist on it")
	echo := flag.Bool("echo", false, "whether to write messages back, those of type 99 with type 0")
	closeTimeout := flag.Int("close-timeout-ms", 0, "how long a broadcast waits for a client, among others")
	keepaliveMs := flag.Int("keepalive-ms", 0, "after how long a silence to ask the peer, which has four times as long to answer")
	maxMessageBytes := flag.Int("max-message-bytes", 0, "the largest message")
	role := os.Args[1]
	_ = flag.CommandLine.Parse(os.Args[2:])

	options := &sealpipe.Options{
		Profile: sealpipe.Profile(*profile), DisableEncryption: !*encryption, Directory: *directory, MaxMessageBytes: *maxMessageBytes,
		CloseTimeout:      time.Duration(*closeTimeout) * time.Millisecond,
		KeepaliveInterval: time.Duration(*keepaliveMs) * time.Millisecond, KeepaliveTimeout: 4 * time.Duration(*keepaliveMs) * time.Millisecond,
		Application: "interop", ApplicationVersion: "1",
		OnError:  func(_ *sealpipe.Conn, err error) { event := failed(err); event["event"] = "error"; say(event) },
		OnStatus: func(_ *sealpipe.Conn, status sealpipe.Status) { say(line{"event": "status", "status": status}) },
		OnSessionLost: func(_ *sealpipe.Conn, lost sealpipe.LostSession) {
			say(line{"event": "session-lost", "count": len(lost.Messages), "streams": len(lost.Streams)})
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
	for streamType, handler := range streamHandlers {
		listener.HandleStream(streamType, handler)
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
	for streamType, handler := range streamHandlers {
		conn.HandleStream(streamType, handler)
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

// command is a line on the standard input.
type command struct {
	ID          int
	Do          string
	Type, Bytes int
	Seed        int
	Count       int
	// TimeoutMs is how long a request may take, if not 0.
	TimeoutMs int
	Reason    string
	// Trace is what a request or a stream belongs to.
	Trace sealpipe.TraceContext
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
	ctx := sealpipe.WithTrace(context.Background(), c.Trace)
	if c.TimeoutMs > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.TimeoutMs)*time.Millisecond)
		defer cancel()
	}
	var err error
	switch c.Do {
	case "write":
		err = conn.Write(ctx, uint32(c.Type), pattern(c.Bytes, c.Seed))
	case "sequence":
		for number := 0; number < c.Count && err == nil; number++ {
			err = conn.Write(ctx, uint32(c.Type), filled(uint32(number)))
		}
	case "broadcast":
		for number := 0; number < c.Count && err == nil; number++ {
			err = e.listener.Broadcast(ctx, uint32(c.Type), pattern(c.Bytes, c.Seed))
		}
	case "flush":
		err = conn.Flush(ctx)
	case "status":
		return line{"event": "is", "status": conn.Status()}
	case "request":
		var answer []byte
		if answer, err = conn.Request(ctx, uint32(c.Type), pattern(c.Bytes, c.Seed)); err == nil {
			hash := sha256.Sum256(answer)
			return line{"event": "answer", "bytes": len(answer), "text": string(answer[:min(len(answer), 100)]), "sha256": hex.EncodeToString(hash[:])}
		}
	case "stream":
		return stream(conn, c)
	case "stream-stop", "stream-reset":
		return streamAndLeave(conn, c)
	case "talk":
		return e.traffic.talk(conn)
	case "describe":
		return describe(ctx, conn)
	case "shutdown":
		err = conn.ShutdownServer(ctx, c.Reason)
	case "allow":
		e.allow()
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
	return lineOf(err)
}

func lineOf(err error) line {
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
