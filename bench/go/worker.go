package main

import (
	"fmt"
	"sort"
	"time"

	ipc "github.com/james-barrow/golang-ipc"
)

const messageType = 1

var hello = []byte("hello, this is a client that wants to be answered")

// endpoint is what golang-ipc's servers and clients have in common.
type endpoint interface {
	Read() (*ipc.Message, error)
	Write(messageType int, data []byte) error
	Close()
}

// worker does what it is told. What arrives goes to one receiver at a time.
type worker struct {
	encryption bool
	failed     func(error)
	endpoint   endpoint
	contents   map[int]*content
	connected  chan struct{}
	receivers  chan func([]byte)
}

func newWorker(encryption bool, failed func(error)) *worker {
	return &worker{
		encryption: encryption,
		failed:     failed,
		contents:   map[int]*content{},
		connected:  make(chan struct{}, 1),
		receivers:  make(chan func([]byte), 1),
	}
}

func (w *worker) obey(c command) (answer, error) {
	switch c.Do {
	case "listen":
		return answer{}, w.listen(c.Name)
	case "connect":
		return answer{}, w.connect(c.Name)
	case "await-clients":
		return answer{}, nil // the client has been answered, so it is there
	case "echo":
		w.receive(w.send)
		return answer{}, nil
	case "sink":
		w.sink(c)
		return answer{}, nil
	case "source":
		return w.source(c)
	case "round-trips":
		return w.roundTrips(c)
	case "close":
		if w.endpoint != nil {
			w.endpoint.Close()
		}
		return answer{}, nil
	}
	return answer{}, fmt.Errorf("golang-ipc's program does not do %q", c.Do)
}

func (w *worker) listen(name string) error {
	server, err := ipc.StartServer(name, &ipc.ServerConfig{Encryption: w.encryption})
	if err != nil {
		return err
	}
	w.endpoint = server
	w.receive(w.send)
	go w.read()
	return nil
}

func (w *worker) connect(name string) error {
	client, err := ipc.StartClient(name, &ipc.ClientConfig{Encryption: w.encryption})
	if err != nil {
		return err
	}
	w.endpoint = client
	go w.read()
	<-w.connected
	greeted := w.next()
	w.send(hello)
	if string(<-greeted) != string(hello) {
		return fmt.Errorf("the server answered with something else")
	}
	return nil
}

// read hands each message to whoever receives at that time.
func (w *worker) read() {
	for {
		message, err := w.endpoint.Read()
		if err != nil {
			return
		}
		if message.MsgType < 0 {
			if message.Status == "Connected" {
				w.connected <- struct{}{}
			}
			continue
		}
		receiver := <-w.receivers
		w.receivers <- receiver
		receiver(message.Data)
	}
}

// receive replaces the receiver.
func (w *worker) receive(receiver func([]byte)) {
	select {
	case <-w.receivers:
	default:
	}
	w.receivers <- receiver
}

func (w *worker) next() <-chan []byte {
	message := make(chan []byte, 1)
	w.receive(func(body []byte) { message <- body })
	return message
}

func (w *worker) send(body []byte) {
	if err := w.endpoint.Write(messageType, body); err != nil {
		w.failed(err)
	}
}

func (w *worker) sink(c command) {
	content := w.content(c.Bytes)
	number := 0
	w.receive(func(body []byte) {
		if err := content.verify(number, body, c.Check); err != nil {
			w.failed(err)
		}
		number++
		if number == c.Count {
			w.send(content.at(0))
		}
	})
}

func (w *worker) source(c command) (answer, error) {
	content := w.content(c.Bytes)
	taken := w.next()
	started := time.Now()
	for number := 0; number < c.Count; number++ {
		w.send(content.at(number))
	}
	err := content.verify(0, <-taken, "all")
	return answer{ElapsedMs: milliseconds(time.Since(started))}, err
}

func (w *worker) roundTrips(c command) (answer, error) {
	content := w.content(c.Bytes)
	bodies := make(chan []byte, 1)
	w.receive(func(body []byte) { bodies <- body })
	times := make([]float64, c.Count)
	started := time.Now()
	for number := range times {
		sent := time.Now()
		w.send(content.at(number))
		body := <-bodies
		times[number] = float64(time.Since(sent).Nanoseconds()) / 1e3
		if err := content.verify(number, body, c.Check); err != nil {
			return answer{}, err
		}
	}
	elapsed := milliseconds(time.Since(started))
	sort.Float64s(times)
	return answer{ElapsedMs: elapsed, P50: times[len(times)/2], P99: times[len(times)*99/100]}, nil
}

func (w *worker) content(bytes int) *content {
	if w.contents[bytes] == nil {
		w.contents[bytes] = newContent(bytes)
	}
	return w.contents[bytes]
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
