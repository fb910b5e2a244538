package sealpipe

import (
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"time"

	"sealpipe/internal/engine"
	"sealpipe/internal/session"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

const (
	// writePieceBytes: a larger write is several, so that it can be seen to progress.
	writePieceBytes = 262_144
	maxInputBytes   = 262_144
	// keptOutputBytes is what an idle link keeps to write from; more comes from a pool when there is more to write.
	keptOutputBytes = 4_096
	pooledBytes     = 400_000
	// writeFailureGrace is how long what the peer has sent may still be read once nothing can be written to it.
	writeFailureGrace = time.Second
)

var start = time.Now()

// now is the clock of every engine, in milliseconds.
func now() int64 { return time.Since(start).Milliseconds() }

func random(bytes []byte) { _, _ = rand.Read(bytes) }

var outputPool = sync.Pool{New: func() any {
	buffer := make([]byte, 0, pooledBytes)
	return &buffer
}}

// link is an open connection: a transport, the engine on it, one goroutine that reads and one that writes. Everything of the
// engine is done under the lock of its Conn, but for the opening of what was read and the sealing of what is written.
type link struct {
	conn      *Conn
	transport transport.Conn
	in        *wire.Input
	engine    *engine.Engine
	// running counts the two goroutines; released is closed once both have ended and the transport is closed.
	running  sync.WaitGroup
	released chan struct{}

	// Under the lock of conn:
	timer      *time.Timer
	timerAt    int64
	writerIdle bool
	// dead: another link has taken its place, or it was dropped; nobody wants to hear of it.
	dead bool
	// over: that the engine has closed was told.
	over bool
	// paused: the reader waits for the application to read.
	paused bool
	// lingering is how long a peer that has ended its side may take to read what was written before.
	lingering *engine.Patience

	wakeWriter chan struct{}
	wakeReader chan struct{}
}

// newLink is called with the lock of conn; run starts it.
func newLink(c *Conn, t transport.Conn, in *wire.Input, opened *engine.Opened, sess *session.Session) *link {
	return &link{
		conn: c, transport: t, in: in,
		engine:     engine.New(c.role, opened, sess, c.config.limits(), random, now()),
		released:   make(chan struct{}),
		timerAt:    engine.Never,
		wakeWriter: make(chan struct{}, 1), wakeReader: make(chan struct{}, 1),
	}
}

// run is called with the lock of conn.
func (l *link) run() {
	l.running.Add(2)
	l.setTimer()
	go l.read()
	go l.write()
	go func() {
		l.running.Wait()
		_ = l.transport.Close()
		l.engine.Receiver.Wipe()
		l.engine.Sealer.Wipe()
		l.conn.mu.Lock()
		if l.timer != nil {
			l.timer.Stop()
		}
		l.conn.released(l)
		l.conn.mu.Unlock()
		close(l.released)
	}()
}

// drop ends it at once. Called with the lock of conn.
func (l *link) drop() {
	l.dead = true
	l.engine.Abandon()
	l.stop()
}

// stop has both goroutines end. Called with the lock of conn.
func (l *link) stop() {
	_ = l.transport.SetDeadline(time.Unix(1, 0))
	l.wake()
	l.resumeReading()
}

func (l *link) wake() {
	l.writerIdle = false
	select {
	case l.wakeWriter <- struct{}{}:
	default:
	}
}

func (l *link) resumeReading() {
	l.paused = false
	select {
	case l.wakeReader <- struct{}{}:
	default:
	}
}

// progressed is called with the lock of conn after anything that may have changed the engine: it tells of its end, wakes the
// writer and sets the timer.
func (l *link) progressed() {
	if l.dead {
		return
	}
	if l.engine.Closed() && !l.over {
		l.over = true
		l.ended()
		if l.dead {
			return
		}
	}
	if l.writerIdle && (l.engine.HasOutput() || l.engine.OutputEnded()) {
		l.wake()
	}
	l.setTimer()
}

// ended: the engine has closed. After a failure the transport goes at once; otherwise what was written before still leaves.
func (l *link) ended() {
	if l.engine.Err() != nil {
		l.conn.linkEnded(l)
		l.stop()
		return
	}
	step := l.conn.config.CloseTimeout.Milliseconds()
	if l.engine.UnsentBytes() == 0 {
		step = min(step, engine.EndGraceMs)
	}
	l.lingering = engine.NewPatience(step, l.engine.QueuedBytes(), now())
	l.resumeReading()
	l.conn.linkEnded(l)
}

func (l *link) setTimer() {
	at := l.engine.NextTimeout()
	if l.lingering != nil {
		at = l.lingering.At()
	}
	if at == l.timerAt {
		return
	}
	// One that is too early does no harm, and to set it later for each message would cost more.
	if l.timer != nil && at > l.timerAt && l.timerAt != engine.Never {
		return
	}
	l.timerAt = at
	if at == engine.Never {
		return
	}
	wait := time.Duration(max(0, at-now())) * time.Millisecond
	if l.timer == nil {
		l.timer = time.AfterFunc(wait, l.timeout)
	} else {
		l.timer.Reset(wait)
	}
}

func (l *link) timeout() {
	l.conn.mu.Lock()
	defer l.conn.mu.Unlock()
	l.timerAt = engine.Never
	if l.dead {
		return
	}
	if l.lingering != nil && now() >= l.lingering.At() {
		l.stop()
		l.lingering = nil
		return
	}
	l.engine.HandleTimeout(now())
	l.progressed()
}

func (l *link) read() {
	defer l.running.Done()
	// What came together with the end of the handshake.
	if !l.digest() {
		l.discard()
		return
	}
	quiet := 0
	for {
		space := l.in.Space()
		count, err := l.transport.Read(space)
		l.in.Advance(count)
		if count > 0 && !l.digest() {
			l.discard()
			return
		}
		if err != nil {
			l.readFailed(err)
			return
		}
		quiet = l.adapt(count, len(space), quiet)
	}
}

// adapt has the buffer follow what comes: large while much does, small after it.
func (l *link) adapt(count, space, quiet int) int {
	switch {
	case count == space && l.in.Len() == 0 && l.in.Size() < maxInputBytes:
		l.in.Grow(2 * l.in.Size())
		return 0
	case count < keptOutputBytes && l.in.Size() > keptOutputBytes && quiet > 64:
		l.in.Shrink()
		return 0
	case count < keptOutputBytes:
		return quiet + 1
	default:
		return 0
	}
}

// digest hands on all whole units that have come; false once nothing is read any more.
func (l *link) digest() bool {
	c := l.conn
	for first := true; ; first = false {
		unit, err := l.engine.Receiver.Next(l.in)
		c.mu.Lock()
		at := now()
		if first {
			l.engine.Heard(at)
		}
		if unit == nil && err == nil {
			l.engine.UnitsRead(l.in.Len() > 0, at)
			if c.link == l {
				// The peer may have acknowledged something.
				c.checkWaits()
			}
		} else if !l.dead {
			l.engine.Receive(unit, err)
			var event session.Event
			for !l.dead && l.engine.NextEvent(&event, at) {
				c.received(l, &event)
			}
		}
		l.progressed()
		reads := !l.dead && !l.engine.Discards()
		l.paused = reads && c.mustPause(l)
		waits := l.paused
		c.mu.Unlock()
		if !reads || unit == nil && err == nil && !waits {
			return reads
		}
		if waits {
			<-l.wakeReader
		}
	}
}

// discard reads and drops what still comes until the peer ends its side.
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

func (l *link) write() {
	defer l.running.Done()
	small := make([]byte, 0, keptOutputBytes)
	pooled := (*[]byte)(nil)
	giveBack := func() {
		if pooled != nil {
			outputPool.Put(pooled)
			pooled = nil
		}
	}
	defer giveBack()
	for {
		buffer := small
		if pooled != nil {
			buffer = *pooled
		}
		output, more := l.nextOutput(buffer[:0])
		switch {
		case output == nil && more:
			giveBack()
			<-l.wakeWriter
		case output == nil:
			_ = l.transport.CloseWrite()
			return
		default:
			l.engine.Sealer.Seal(output)
			if !l.writeAll(output) {
				return
			}
			if pooled == nil && cap(output) > keptOutputBytes {
				pooled = outputPool.Get().(*[]byte)
			}
		}
	}
}

// nextOutput is the next to be written; without any, whether there may be more.
func (l *link) nextOutput(buffer []byte) (output []byte, more bool) {
	l.conn.mu.Lock()
	defer l.conn.mu.Unlock()
	output = l.engine.AppendOutput(buffer, now())
	if len(output) > 0 {
		return output, true
	}
	l.progressed()
	if l.dead || l.engine.OutputEnded() || l.over && l.engine.Err() != nil {
		return nil, false
	}
	l.writerIdle = !l.engine.HasOutput()
	if !l.writerIdle {
		l.wake()
	}
	return nil, true
}

func (l *link) writeAll(output []byte) bool {
	for len(output) > 0 {
		piece := output[:min(len(output), writePieceBytes)]
		_, err := l.transport.Write(piece)
		output = output[len(piece):]
		l.conn.mu.Lock()
		if err == nil {
			l.left(len(output) == 0)
		}
		dead := l.dead
		l.conn.mu.Unlock()
		if err != nil && !dead {
			// What made it fail is for the reader to find out, after what is still there to be read.
			_ = l.transport.SetReadDeadline(time.Now().Add(writeFailureGrace))
		}
		if err != nil || dead {
			return false
		}
	}
	return true
}

// left: a piece of the output is with the system. Called with the lock of conn.
func (l *link) left(all bool) {
	if l.dead {
		return
	}
	at := now()
	if all {
		l.engine.OutputLeft(at)
	}
	if l.lingering != nil {
		l.lingering.Left(l.engine.QueuedBytes(), at)
	}
	l.progressed()
	l.conn.outputLeft(l)
}
