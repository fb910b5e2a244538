package main

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

var hello = []byte("hello, this is a client that wants to be answered")

// worker executes commands. What arrives goes to one receiver at a time, in the goroutine that reads.
type worker struct {
	peer     peer
	failed   func(error)
	channel  channel
	unlisten func()
	contents map[int]*content
	receiver atomic.Pointer[func([]byte)]
}

func newWorker(peer peer, failed func(error)) *worker {
	return &worker{peer: peer, failed: failed, unlisten: func() {}, contents: map[int]*content{}}
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
	case "requests":
		return w.requests(c)
	case "close":
		if w.channel != nil {
			w.channel.close()
		}
		w.unlisten()
		return answer{}, nil
	}
	return answer{}, fmt.Errorf("the program in Go does not do %q", c.Do)
}

func (w *worker) listen(name string) (err error) {
	w.receive(w.send)
	w.unlisten, err = w.peer.listen(name, func(opened channel) {
		w.channel = opened
		opened.receive(w.arrived)
	})
	return err
}

func (w *worker) connect(name string) error {
	connected, err := w.peer.connect(name)
	if err != nil {
		return err
	}
	w.channel = connected
	greeted := w.next()
	go w.channel.receive(w.arrived)
	w.send(hello)
	if string(<-greeted) != string(hello) {
		return fmt.Errorf("the server answered with something else")
	}
	return nil
}

func (w *worker) arrived(body []byte) { (*w.receiver.Load())(body) }

// receive replaces the receiver.
func (w *worker) receive(receiver func([]byte)) { w.receiver.Store(&receiver) }

// next is a copy of the next message.
func (w *worker) next() <-chan []byte {
	message := make(chan []byte, 1)
	w.receive(func(body []byte) { message <- slices.Clone(body) })
	return message
}

func (w *worker) send(body []byte) {
	if err := w.channel.send(body); err != nil {
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

// roundTrips sends the next message from the goroutine that has read the answer to the last.
func (w *worker) roundTrips(c command) (answer, error) {
	content := w.content(c.Bytes)
	times := make([]float64, 0, c.Count)
	over := make(chan error, 1)
	started := time.Now()
	sent := started
	w.receive(func(body []byte) {
		now := time.Now()
		err := content.verify(len(times), body, c.Check)
		times = append(times, float64(now.Sub(sent).Nanoseconds())/1e3)
		if err != nil || len(times) == c.Count {
			over <- err
			return
		}
		sent = time.Now()
		w.send(content.at(len(times)))
	})
	w.send(content.at(0))
	err := <-over
	elapsed := milliseconds(time.Since(started))
	slices.Sort(times)
	return answer{ElapsedMs: elapsed, P50: times[len(times)/2], P99: times[len(times)*99/100]}, err
}

func (w *worker) requests(c command) (answer, error) {
	asks, can := w.channel.(asker)
	if !can {
		return answer{}, fmt.Errorf("the peer has no requests")
	}
	content := w.content(c.Bytes)
	var next atomic.Int64
	var asking sync.WaitGroup
	failures := make(chan error, c.InFlight)
	started := time.Now()
	for range c.InFlight {
		asking.Add(1)
		go func() {
			defer asking.Done()
			for number := int(next.Add(1)) - 1; number < c.Count; number = int(next.Add(1)) - 1 {
				body, err := asks.request(content.at(number))
				if err == nil {
					err = content.verify(number, body, "ends")
				}
				if err != nil {
					failures <- err
					return
				}
			}
		}()
	}
	asking.Wait()
	close(failures)
	return answer{ElapsedMs: milliseconds(time.Since(started))}, <-failures
}

func (w *worker) content(bytes int) *content {
	if w.contents[bytes] == nil {
		w.contents[bytes] = newContent(bytes)
	}
	return w.contents[bytes]
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
