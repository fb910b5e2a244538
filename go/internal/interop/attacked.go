package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"sealpipe"
)

// attackOptions are options of the server under attack, by TypeScript's names.
type attackOptions struct {
	Encryption                                                               *bool
	MaxMessageBytes, MaxQueuedBytes, MaxConcurrentRequests                   int
	MaxConnections, MaxPendingHandshakes, HandshakeTimeoutMs, FrameTimeoutMs int
}

func (o *attackOptions) options() *sealpipe.Options {
	return &sealpipe.Options{
		DisableEncryption: o.Encryption != nil && !*o.Encryption,
		MaxMessageBytes:   o.MaxMessageBytes, MaxQueuedBytes: o.MaxQueuedBytes, MaxConcurrentRequests: o.MaxConcurrentRequests,
		MaxConnections: o.MaxConnections, MaxPendingHandshakes: o.MaxPendingHandshakes,
		HandshakeTimeout: time.Duration(o.HandshakeTimeoutMs) * time.Millisecond,
		FrameTimeout:     time.Duration(o.FrameTimeoutMs) * time.Millisecond,
	}
}

// attacked is a server that hostile peers talk to. It answers no request of type 1, and either writes each message back to
// its sender or, if it is unread, reads nothing.
type attacked struct {
	listener *sealpipe.Listener
	unread   bool
	mu       sync.Mutex
	errors   map[sealpipe.Code]int
}

// runAttacked runs one until a command ends it. Then no goroutine may be left.
func runAttacked(name, given string, unread bool) {
	goroutines := runtime.NumGoroutine()
	var chosen attackOptions
	if err := json.Unmarshal([]byte(given), &chosen); err != nil {
		panic(err)
	}
	a := &attacked{unread: unread, errors: map[sealpipe.Code]int{}}
	options := chosen.options()
	options.OnError = func(_ *sealpipe.Conn, err error) { a.failed(err) }
	listener, err := sealpipe.Listen(name, options)
	if err != nil {
		panic(err)
	}
	a.listener = listener
	listener.Handle(1, func(ctx context.Context, _ *sealpipe.Request) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	go a.accept()
	say(line{"event": "listening"})
	a.obey()
	for _, conn := range listener.Conns() {
		conn.Destroy(nil)
	}
	if err := listener.Close(); err != nil {
		panic(err)
	}
	awaitGoroutines(goroutines)
}

func (a *attacked) failed(err error) {
	event := failed(err)
	event["event"] = "error"
	a.mu.Lock()
	a.errors[sealpipe.Code(event["code"].(string))]++
	a.mu.Unlock()
	say(event)
}

func (a *attacked) accept() {
	for {
		conn, err := a.listener.Accept(context.Background())
		if err != nil {
			return
		}
		go func() {
			<-conn.Done()
			say(line{"event": "left", "status": conn.Status()})
		}()
		if !a.unread {
			go echoAll(conn)
		}
	}
}

// echoAll does not read a peer that does not read its answers.
func echoAll(conn *sealpipe.Conn) {
	for message, err := range conn.Messages(context.Background()) {
		if err == nil {
			err = conn.Write(context.Background(), message.Type, message.Data)
		}
		if err != nil {
			return
		}
	}
}

func (a *attacked) obey() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if strings.Contains(lines.Text(), "end") {
			return
		}
		a.report()
	}
}

func (a *attacked) report() {
	report := line{"event": "report", "connections": len(a.listener.Conns())}
	if a.unread {
		debug.FreeOSMemory()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		report["bytes"] = memory.HeapAlloc
	}
	status, _ := os.ReadFile("/proc/self/status")
	for field, name := range map[string]string{"VmRSS:": "rssBytes", "VmHWM:": "peakRssBytes"} {
		if _, after, found := strings.Cut(string(status), field); found {
			kibibytes, _ := strconv.Atoi(strings.Fields(after)[0])
			report[name] = kibibytes * 1_024
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	codes := make([]sealpipe.Code, 0, len(a.errors))
	for code := range a.errors {
		codes = append(codes, code)
	}
	report["errors"], report["codes"] = a.errors, codes
	say(report)
}

func awaitGoroutines(count int) {
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > count; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			debug.SetTraceback("all")
			panic("goroutines are left")
		}
	}
}
