package sealpipe

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"sealpipe/internal/engine"
	"sealpipe/internal/fault"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

// resume answers a client that wants to resume a session. If the session exists and the proof is right, its previous
// connection is dropped, if that still seems alive.
func (l *Listener) resume(h *engine.Handshake, hello *wire.NativeHello) (c *Conn, resumes int, step engine.Step, err error) {
	l.mu.Lock()
	c = l.resumable[hello.ID]
	fellBehind := slices.Contains(l.fellBehind, hello.ID)
	l.mu.Unlock()
	if fellBehind {
		step, err = h.AnswerEnded(fault.FellBehind)
		return nil, 0, step, err
	}
	if c == nil {
		step, err = h.AnswerResume(nil, nil)
		return nil, 0, step, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ticket := engine.TicketOf(c.session)
	if ticket == nil || c.over || c.closedHere {
		step, err = h.AnswerResume(nil, nil)
		return nil, 0, step, err
	}
	step, err = h.AnswerResume(ticket, c.session.CheckRewind(hello))
	if err != nil {
		return nil, 0, step, err
	}
	c.dropLink()
	c.setStatus(Reconnecting)
	c.resumes++
	l.mu.Lock()
	l.forget(c)
	l.mu.Unlock()
	return c, c.resumes, step, nil
}

// resume goes on with a transport on which the client is back.
func (c *Conn) resume(t transport.Conn, in *wire.Input, opened *engine.Opened, resumes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// If another client has resumed the session meanwhile, this one's positions are outdated: the later of the two is
	// the client.
	if c.over || c.closedHere || c.resumes != resumes {
		_ = t.Close()
		return
	}
	if err := c.session.Rewind(opened.Hello); err != nil {
		_ = t.Close()
		c.tell(err)
		c.end(Failed, err)
		return
	}
	c.session.Attach(opened.Hello, c.session.Identity())
	c.attach(newLink(c, t, in, opened, c.session), opened, c.session)
}

// lostInResume is called when the client was gone again before its handshake was over; its session waits again.
func (c *Conn) lostInResume(err error, resumes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == nil && !c.over && c.resumes == resumes {
		c.tell(err)
		c.listener.detached(c)
	}
}

// detached is called when a connection's client is gone, and may come back, with the connection's lock.
func (l *Listener) detached(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(c)
	l.detachments[c] = &detachment{
		timer: time.AfterFunc(l.config.ResumeWindow, func() {
			c.giveUp(fault.New(fault.ConnectionLost, "the connection to the peer was lost, and the client did not come back within %v", l.config.ResumeWindow))
		}),
		standing:  float64(time.Since(c.openedAt)) / float64(time.Millisecond) * float64(c.session.SettledBytes()),
		keptBytes: c.keptBytes(),
	}
	l.enforce()
}

// keeps is called when more is kept for a client that is gone, with the connection's lock.
func (l *Listener) keeps(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if gone := l.detachments[c]; gone != nil {
		gone.keptBytes = c.keptBytes()
		l.enforce()
	}
}

func (c *Conn) keptBytes() int64 {
	return c.session.QueuedBytes() + c.session.KeptBytes() + int64(c.inboxBytes)
}

// enforce gives up one connection after the other, until all limits hold: that with the least standing or, if too
// many bytes are kept, the least per byte.
func (l *Listener) enforce() {
	for len(l.detachments) > 0 {
		bytes := int64(0)
		for _, gone := range l.detachments {
			bytes += gone.keptBytes
		}
		tooMany := len(l.detachments) > l.config.MaxDetachedSessions
		if !tooMany && bytes <= int64(l.config.MaxDetachedBytes) {
			return
		}
		least := l.least(tooMany)
		l.forget(least)
		go least.giveUp(fault.New(fault.ConnectionLost, "the connection to the peer was lost, and its session, one of too many without a client, was given up"))
	}
}

func (l *Listener) least(bySession bool) (least *Conn) {
	worth := math.Inf(1)
	for c, gone := range l.detachments {
		its := gone.standing
		if !bySession {
			its = (gone.standing + 1) / float64(gone.keptBytes)
		}
		// Of equals the one that was lost first.
		if its < worth || its == worth && c.id < least.id {
			least, worth = c, its
		}
	}
	return least
}

// giveUp ends a connection whose client does not come back.
func (c *Conn) giveUp(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == nil && !c.over {
		c.tell(err)
		c.end(Failed, err)
	}
}

// turns are the turns of the costly steps of handshakes, which leave a processor free for others. Waiting handshakes
// get their turn alternately from the newest and the oldest, so that neither many that hold their keys back nor many
// that came before keep a newcomer waiting.
type turns struct {
	mu      sync.Mutex
	taken   int
	waiting []chan struct{}
	newest  bool
}

func (t *turns) take() {
	t.mu.Lock()
	if t.taken < max(1, runtime.GOMAXPROCS(0)-1) {
		t.taken++
		t.mu.Unlock()
		return
	}
	wait := make(chan struct{})
	t.waiting = append(t.waiting, wait)
	t.mu.Unlock()
	<-wait
}

func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.taken--
		return
	}
	index := 0
	if t.newest {
		index = len(t.waiting) - 1
	}
	t.newest = !t.newest
	close(t.waiting[index])
	t.waiting = append(t.waiting[:index], t.waiting[index+1:]...)
}
