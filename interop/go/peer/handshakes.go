package peer

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	roundLimit = 10 * time.Second
	closeLimit = time.Second
	roundType  = 7
)

// handshakes connects, exchanges one message and closes, again and again.
func handshakes(library Library, options options, output *output) int {
	for i := 0; i < options.count; i++ {
		if err := limitedRound(library, options, uint64(i)); err != nil {
			output.emit(event{Event: "error", Error: err.Error(), From: "handshakes", Fatal: pointer(true), Round: pointer(i)})
			return 1
		}
		if (i+1)%100 == 0 {
			output.emit(event{Event: "progress", Done: pointer(i + 1)})
		}
		time.Sleep(time.Duration(options.pauseMs) * time.Millisecond)
	}
	output.emit(event{Event: "done", Rounds: pointer(options.count)})
	return 0
}

// limitedRound runs one round under its time limit, whatever the library does.
func limitedRound(library Library, options options, number uint64) error {
	var stage atomic.Value
	stage.Store("start")
	result := make(chan error, 1)
	go func() { result <- round(library, options, number, &stage) }()
	select {
	case err := <-result:
		return err
	case <-time.After(roundLimit):
		return fmt.Errorf("%v took longer than %v", stage.Load(), roundLimit)
	}
}

func round(library Library, options options, number uint64, stage *atomic.Value) error {
	client, err := library.StartClient(options.name, options.client)
	if err != nil {
		return err
	}
	arrivals := newArrivals(client)

	stage.Store("connecting")
	if err := arrivals.awaitConnected(); err != nil {
		return err
	}
	stage.Store("writing")
	body := numberedBody(sequenceBytes, number)
	if err := client.Write(roundType, body); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	stage.Store("waiting for the echo")
	echo, err := arrivals.awaitMessage()
	if err != nil {
		return err
	}
	if echo.Type != roundType || !bytes.Equal(echo.Data, body) {
		return fmt.Errorf("another message came back: type %d, %x", echo.Type, echo.Data)
	}
	stage.Store("closing")
	client.Close()
	arrivals.awaitEnd()
	return nil
}

// arrivals reads everything there is to read, to its end: a golang-ipc client
// that nobody reads keeps its goroutines for ever.
type arrivals struct {
	messages chan Message
	failed   chan error // one error, the one that ended the reading
}

func newArrivals(endpoint Endpoint) *arrivals {
	a := &arrivals{messages: make(chan Message, 16), failed: make(chan error, 1)}
	go func() {
		for {
			message, err := endpoint.Read()
			if err != nil {
				a.failed <- err
				return
			}
			select {
			case a.messages <- message:
			default: // more than a round has use for
			}
		}
	}()
	return a
}

func (a *arrivals) await(accept func(Message) (bool, error)) (Message, error) {
	for {
		select {
		case message := <-a.messages:
			if accepted, err := accept(message); accepted || err != nil {
				return message, err
			}
		case err := <-a.failed:
			return Message{}, fmt.Errorf("read: %w", err)
		}
	}
}

func (a *arrivals) awaitConnected() error {
	_, err := a.await(func(message Message) (bool, error) {
		if message.Status == "" {
			return false, errors.New("a message before the connection")
		}
		return statusWord(message.Status) == "connected", nil
	})
	return err
}

func (a *arrivals) awaitMessage() (Message, error) {
	return a.await(func(message Message) (bool, error) {
		if message.Status != "" {
			return false, fmt.Errorf("%s before the echo", statusWord(message.Status))
		}
		return true, nil
	})
}

func (a *arrivals) awaitEnd() {
	select {
	case <-a.failed:
	case <-time.After(closeLimit):
	}
}
