package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"sealpipe"
)

const (
	// inFlight are requests of one end that have no answer yet.
	inFlight = 16
	// largeBytes is more than fits into one frame.
	largeBytes = 150_000
)

// traffic is one end of a conversation without pause: messages with numbers in order, and requests whose answers are known.
// Everything that is lost, comes twice, or in another order, is a failure.
type traffic struct {
	stop chan struct{}

	mu                              sync.Mutex
	handled                         map[uint32]bool
	sent, received, asked, answered uint32
	// echoed counts items that came back.
	echoed   uint32
	failures []string
}

// filled is a number, and bytes that follow from it: mostly few, now and then more than one frame holds.
func filled(number uint32) []byte {
	length := 4 + int(number*37%700)
	if number%500 == 499 {
		length = 4 + largeBytes
	}
	data := bytes.Repeat([]byte{byte(number % 251)}, length)
	binary.BigEndian.PutUint32(data, number)
	return data
}

func (t *traffic) expect(holds bool, format string, args ...any) {
	if !holds {
		t.failures = append(t.failures, "Go "+fmt.Sprintf(format, args...))
	}
}

func (t *traffic) message(data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	number := binary.BigEndian.Uint32(data)
	t.expect(number == t.received, "got message %d where %d was next", number, t.received)
	t.expect(bytes.Equal(data, filled(number)), "got message %d with other bytes", number)
	t.received = number + 1
}

func (t *traffic) handle(data []byte) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	number := binary.BigEndian.Uint32(data)
	t.expect(!t.handled[number], "was asked %d twice", number)
	t.expect(bytes.Equal(data, filled(number)), "was asked %d with other bytes", number)
	t.handled[number] = true
	return filled(number + 1)
}

func (t *traffic) isStopped() bool {
	select {
	case <-t.stop:
		return true
	default:
		return false
	}
}

// talk talks until it is stopped, and until everything has arrived.
func (t *traffic) talk(conn *sealpipe.Conn) line {
	ctx := context.Background()
	var talking sync.WaitGroup
	talking.Add(2 + inFlight)
	go func() {
		defer talking.Done()
		t.streams(conn)
	}()
	go func() {
		defer talking.Done()
		for !t.isStopped() {
			t.mu.Lock()
			number := t.sent
			t.sent++
			t.mu.Unlock()
			err := conn.Write(ctx, trafficMessage, filled(number))
			t.failIf(err)
		}
	}()
	for range inFlight {
		go func() {
			defer talking.Done()
			for !t.isStopped() {
				t.ask(ctx, conn)
			}
		}()
	}
	talking.Wait()
	t.failIf(conn.Flush(ctx))
	return t.report()
}

func (t *traffic) failIf(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expect(err == nil, "failed: %v", err)
}

func (t *traffic) ask(ctx context.Context, conn *sealpipe.Conn) {
	t.mu.Lock()
	number := t.asked
	t.asked++
	t.mu.Unlock()
	answer, err := conn.Request(ctx, trafficRequest, filled(number))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expect(err == nil && bytes.Equal(answer, filled(number+1)), "got a wrong answer to %d: %v", number, err)
	t.answered++
}

func (t *traffic) report() line {
	t.mu.Lock()
	defer t.mu.Unlock()
	failures := t.failures
	if failures == nil {
		failures = []string{}
	}
	return line{
		"event": "tally", "sent": t.sent, "received": t.received, "asked": t.asked, "answered": t.answered,
		"handled": len(t.handled), "echoed": t.echoed, "failures": failures[:min(20, len(failures))],
	}
}
