package sealpipe

import (
	"errors"
	"io"
	"time"

	"sealpipe/internal/engine"
	"sealpipe/internal/session"
)

func (l *link) resumeReading() {
	l.paused = false
	select {
	case l.wakeReader <- struct{}{}:
	default:
	}
}

func (l *link) read() {
	defer l.running.Done()
	// Bytes that arrived together with the end of the handshake.
	goesOn, err := l.digest(), error(nil)
	for goesOn && err == nil {
		if l.lend() {
			goesOn, err = l.awaitReturn()
		} else {
			goesOn, err = l.readChunk()
		}
	}
	if err == nil {
		l.discard()
	} else {
		l.readFailed(err)
	}
}

// readChunk reads once and passes on what has arrived. Only the goroutine that reads calls it, or the one that has its place.
func (l *link) readChunk() (goesOn bool, err error) {
	space := l.in.Space()
	count, err := l.transport.Read(space)
	l.in.Advance(count)
	if count > 0 && !l.digest() {
		return false, nil
	}
	if err == nil {
		l.adapt(count, len(space))
	}
	return true, err
}

// adapt fits the buffer to what arrives: large while much does, small afterwards.
func (l *link) adapt(count, space int) {
	switch {
	case count == space && l.in.Len() == 0 && l.in.Size() < maxInputBytes:
		l.in.Grow(2 * l.in.Size())
		l.quietReads = 0
	case count >= keptOutputBytes:
		l.quietReads = 0
	case l.in.Size() > keptOutputBytes && l.quietReads > 64:
		l.in.Shrink()
		l.quietReads = 0
	default:
		l.quietReads++
	}
}

// digest passes on all complete units that have arrived; it returns false once nothing is read any more.
func (l *link) digest() bool {
	c, events := l.conn, 0
	for first := true; ; first = false {
		unit, err := l.engine.Receiver.Next(l.in)
		c.mu.Lock()
		c.clock = time.Since(start)
		at := c.clock.Milliseconds()
		if first {
			l.engine.Heard(at)
		}
		if !l.dead && (unit != nil || err != nil) {
			l.engine.Receive(unit, err)
			for !l.dead && l.engine.NextEvent(&l.event, at) {
				events++
				l.writesNow = events == 1
				c.received(l, &l.event)
			}
			l.event = session.Event{}
		}
		drained := unit == nil && err == nil || l.in.Len() == 0
		if drained {
			l.engine.UnitsRead(l.in.Len() > 0, at)
			if c.link == l {
				// The peer may have acknowledged something.
				c.checkWaits()
			}
		}
		l.progressed()
		reads := !l.dead && !l.engine.Discards()
		l.paused = reads && c.mustPause(l)
		waits := l.paused
		c.mu.Unlock()
		if !reads || drained && !waits {
			return reads
		}
		if waits {
			<-l.wakeReader
		}
	}
}

// discard reads and drops what still arrives until the peer ends its side.
func (l *link) discard() {
	for {
		l.in.Take(l.in.Len())
		if _, err := l.transport.Read(l.in.Space()); err != nil {
			l.readFailed(err)
			return
		}
	}
}

func (l *link) readFailed(err error) {
	if errors.Is(err, io.EOF) {
		err = nil
		l.awaitAnswers()
	}
	l.conn.mu.Lock()
	defer l.conn.mu.Unlock()
	if !l.dead {
		l.engine.ReceiveEnd(err, l.in.Len() > 0)
		l.progressed()
	}
	// With the peer's end seen, the writer may end the transport.
	if l.engine.Closed() && l.writerIdle {
		l.wake()
	}
}

// awaitAnswers gives the application a moment to answer what a classic peer sent before it ended its side.
func (l *link) awaitAnswers() {
	if l.engine.IsNative() {
		return
	}
	moment := time.NewTimer(engine.EndGraceMs * time.Millisecond)
	defer moment.Stop()
	c := l.conn
	for {
		c.mu.Lock()
		l.peerEnded = true
		answered := c.inbox.Len() == 0 && !c.answering
		goesOn := c.link == l && !c.closedHere
		c.mu.Unlock()
		if answered || !goesOn {
			return
		}
		select {
		case <-l.wakeReader:
		case <-moment.C:
			return
		}
	}
}
