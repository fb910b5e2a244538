package sealpipe

import (
	"math"
	"runtime"
	"sync"
	"time"

	"sealpipe/internal/engine"
	"sealpipe/internal/fault"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

// resume answers a client that presents a session. Of one that is there, and whose proof is right, the connection that it had
// is dropped, if that still seems alive.
func (l *Listener) resume(h *engine.Handshake, hello *wire.NativeHello) (c *Conn, resumes int, step engine.Step, err error) {
	l.mu.Lock()
	c = l.resumable[hello.ID]
	l.mu.Unlock()
	if c == nil {
		step, err = h.AnswerResume(nil, nil)
		return nil, 0, step, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ticket := ticketOf(c.session)
	if ticket == nil || c.over || c.closedHere {
		step, err = h.AnswerResume(nil, nil)
		return nil, 0, step, err
	}
	step, err = h.AnswerResume(ticket, c.session.CheckRewind(hello.Received))
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

// resume goes on by a transport on which the client is back.
func (c *Conn) resume(t transport.Conn, in *wire.Input, opened *engine.Opened, resumes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// If another has come back meanwhile, what this one was told is no longer so: the later of the two is the client.
	if c.over || c.closedHere || c.resumes != resumes {
		_ = t.Close()
		return
	}
	if err := c.session.Rewind(opened.Hello.Received); err != nil {
		_ = t.Close()
		c.tell(err)
		c.end(Failed, err)
		return
	}
	c.session.Attach(opened.Hello, c.session.Identity())
	c.attach(newLink(c, t, in, opened, c.session), opened, c.session)
}

// lostInResume: the client was gone again before its handshake was over, and is waited for anew.
func (c *Conn) lostInResume(err error, resumes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == nil && !c.over && c.resumes == resumes {
		c.tell(err)
		c.listener.detached(c)
	}
}

// detached: a connection's client is gone, and may come back. Called with its lock.
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

// keeps: more is kept for a client that is gone. Called with the connection's lock.
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

// enforce gives up one after the other, until what is kept is within the limits: the least standing or, if too many bytes are
// kept, the least for each byte.
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
		// Of equals the one that has been there longest.
		if its < worth || its == worth && c.id < least.id {
			least, worth = c, its
		}
	}
	return least
}

// giveUp: the client does not come back.
func (c *Conn) giveUp(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == nil && !c.over {
		c.tell(err)
		c.end(Failed, err)
	}
}

// turns are those in which the costly steps of handshakes are taken, of which a processor is always free for others. Those
// that wait have their turn alternately from the newest and the oldest, so that neither many that hold their keys back nor
// many that came before keep a newcomer waiting.
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
