package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"sync"

	"sealpipe"
)

const (
	trafficStream = 3
	echoStream    = 21
	failStream    = 22
	floodStream   = 23
	endlessStream = 24
	traceStream   = 25
	// streamsInFlight are streams of one end that are open.
	streamsInFlight = 4
)

var streamHandlers = map[uint32]sealpipe.StreamHandler{
	trafficStream: echoItems,
	echoStream:    echoItems,
	traceStream: func(ctx context.Context, stream *sealpipe.Stream) error {
		return stream.WriteText(ctx, traceOf(ctx))
	},
	failStream: func(context.Context, *sealpipe.Stream) error {
		return sealpipe.Fail("NOT_FOUND", "not here")
	},
	floodStream: func(ctx context.Context, stream *sealpipe.Stream) error {
		for number := 0; ; number++ {
			if err := stream.Write(ctx, filled(uint32(number))); err != nil {
				event := failed(err)
				event["event"], event["items"] = "held", number
				say(event)
				return err
			}
		}
	},
	endlessStream: func(ctx context.Context, _ *sealpipe.Stream) error {
		<-ctx.Done()
		event := failed(context.Cause(ctx))
		event["event"] = "stream-over"
		say(event)
		return nil
	},
}

func echoItems(ctx context.Context, stream *sealpipe.Stream) error {
	for item, err := range stream.Items(ctx) {
		if err != nil {
			return err
		}
		if err := stream.Write(ctx, item.Data); err != nil {
			return err
		}
	}
	return nil
}

// stream opens one, writes a body as a stream of bytes, and hears what comes back.
func stream(conn *sealpipe.Conn, c *command) line {
	ctx := sealpipe.WithTrace(context.Background(), c.Trace)
	opened, err := conn.OpenStream(ctx, uint32(c.Type), []byte("another library's"))
	if err != nil {
		return failed(err)
	}
	both := opened.Bytes(ctx)
	written := make(chan error, 1)
	go func() {
		_, err := io.Copy(both, bytes.NewReader(pattern(c.Bytes, c.Seed)))
		_ = opened.CloseWrite()
		written <- err
	}()
	back, err := io.ReadAll(both)
	if err := errors.Join(err, <-written); err != nil {
		return failed(err)
	}
	hash := sha256.Sum256(back)
	return line{"event": "back", "bytes": len(back), "text": string(back[:min(len(back), 100)]), "sha256": hex.EncodeToString(hash[:])}
}

// streamAndLeave reads a number of items and then stops, or resets the stream.
func streamAndLeave(conn *sealpipe.Conn, c *command) line {
	opened, err := conn.OpenStream(context.Background(), uint32(c.Type), nil)
	if err != nil {
		return failed(err)
	}
	for range c.Count {
		if _, err := opened.Read(context.Background()); err != nil {
			return failed(err)
		}
	}
	if c.Do == "stream-stop" {
		return lineOf(opened.Close())
	}
	opened.Reset("ENOUGH", "of it")
	return lineOf(nil)
}

// streams opens one stream after another until it is stopped.
func (t *traffic) streams(conn *sealpipe.Conn) {
	var talking sync.WaitGroup
	for range streamsInFlight {
		talking.Add(1)
		go func() {
			defer talking.Done()
			for !t.isStopped() {
				t.failIf(t.stream(context.Background(), conn))
			}
		}()
	}
	talking.Wait()
}

func (t *traffic) stream(ctx context.Context, conn *sealpipe.Conn) error {
	opened, err := conn.OpenStream(ctx, trafficStream, nil)
	if err != nil {
		return err
	}
	count, written := uint32(rand.IntN(200)), make(chan error, 1)
	go func() {
		var err error
		for number := uint32(0); number < count && err == nil; number++ {
			err = opened.Write(ctx, filled(number))
		}
		written <- errors.Join(err, opened.CloseWrite())
	}()
	next := uint32(0)
	for item, err := range opened.Items(ctx) {
		if err != nil {
			return err
		}
		t.itemCame(binary.BigEndian.Uint32(item.Data), next, item.Data)
		next++
	}
	if err := <-written; err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expect(next == count, "got %d items of %d back", next, count)
	t.echoed += next
	return nil
}

func (t *traffic) itemCame(number, next uint32, data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expect(number == next && bytes.Equal(data, filled(number)), "got item %d where %d was next", number, next)
}
