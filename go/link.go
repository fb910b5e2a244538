package sealpipe

import (
	"crypto/rand"
	"sync"
	"time"

	"sealpipe/internal/engine"
	"sealpipe/internal/session"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

const (
	// writePieceBytes: a larger write is split, so that its progress can be seen.
	writePieceBytes = 262_144
	maxInputBytes   = 262_144
	// keptOutputBytes is the output buffer of an idle link; a larger one comes from a pool when there is more to write.
	keptOutputBytes = 4_096
	pooledBytes     = 400_000
	// maxPromptBytes: a larger message is left to the goroutine that writes.
	maxPromptBytes = 2_048
	// writeFailureGrace is how long what the peer has sent may still be read once nothing can be written to it.
	writeFailureGrace = time.Second
)

var start = time.Now()

// past is a deadline by which every read and write ends.
var past = time.Unix(1, 0)

// now is the clock of every engine, in milliseconds.
func now() int64 { return time.Since(start).Milliseconds() }

func random(bytes []byte) { _, _ = rand.Read(bytes) }

// link is an open connection: a transport, the engine on it, one goroutine that reads and one that writes. The engine
// is used under the lock of its Conn, except for opening what was read and sealing what is written.
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
	// writing: a caller writes by promptly. writesNow: the next caller may. rest is what the system did not take of that.
	writing, writesNow bool
	rest               []byte
	prompt             *transport.Prompt
	// small is the memory of an idle link's output, of the one that writes.
	small []byte
	// dead: another link has replaced it, or it was dropped; its end is not reported.
	dead bool
	// over: the engine's end has been reported.
	over bool
	// paused: the reader waits until the application reads.
	paused bool
	// peerEnded: a classic peer has ended its side.
	peerEnded bool
	// lingering bounds how long a peer that has ended its side may take to read what was written before.
	lingering *engine.Patience

	place readingPlace
	// quietReads counts the last small reads, and event is what was read last; both of the one that reads.
	quietReads int
	event      session.Event

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
		place:      readingPlace{back: make(chan struct{}, 1)},
		small:      make([]byte, 0, keptOutputBytes),
		writesNow:  true,
		prompt:     transport.NewPrompt(t),
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
		if l.place.watch != nil {
			l.place.watch.Stop()
		}
		l.conn.released(l)
		l.conn.mu.Unlock()
		close(l.released)
	}()
}

// drop ends the link at once. Called with the lock of conn.
func (l *link) drop() {
	l.dead = true
	l.engine.Abandon()
	l.stop()
}

// stop ends both goroutines. Called with the lock of conn.
func (l *link) stop() {
	l.place.stopped = true
	_ = l.transport.SetDeadline(past)
	l.recall()
	l.wake()
	l.resumeReading()
}

// progressed is called with the lock of conn after anything that may have changed the engine: it reports the engine's
// end, wakes the writer and sets the timer.
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

// consumed is called when the application has consumed something of the session: nothing but an acknowledgement can follow.
func (l *link) consumed() {
	l.engine.Consumed(now)
	if l.dead {
		return
	}
	if l.writerIdle && l.engine.MustAcknowledge() {
		l.wake()
	}
	l.setTimer()
}

// ended is called when the engine has closed. After a failure the transport is closed at once; otherwise what was
// written before still leaves.
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
	l.recall()
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
	// A timer that fires too early does no harm, and to reset it for each message would cost more.
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
