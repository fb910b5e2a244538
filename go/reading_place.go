package sealpipe

import (
	"context"
	"errors"
	"os"
	"time"
)

const (
	// promptReturn: an application that comes back for the next message within this time reads it from the transport itself, as
	// long as it does so.
	promptReturn = 50 * time.Microsecond
	// promptReturns is how often it has to before that.
	promptReturns = 8
	// absence is how long nobody may read, at least and at most twice, before the link's own goroutine does so again.
	absence = 5 * time.Millisecond
)

// readingPlace is who reads a link: its own goroutine or, while one goroutine of the application does nothing but wait for the
// next message, that one: a message reaches it without a change of goroutines. All is under the lock of conn.
type readingPlace struct {
	// lent: the application has the place. taken: one of its goroutines reads now. recalled: it has to give the place back.
	lent, taken, recalled bool
	// goesOn and err are how its reading ended.
	goesOn bool
	err    error
	back   chan struct{}
	// uses counts how often the place was taken, and seen is that at the last look of watch.
	uses, seen uint64
	watching   bool
	watch      *time.Timer
	// deadline is what the transport's is without a recall; stopped: it is in the past for good.
	deadline time.Time
	stopped  bool
}

// lend gives the application the place of the goroutine that calls it, if that is of use.
func (l *link) lend() bool {
	c := l.conn
	// Not a classic link: it is paused when too much waits to be read, and the application would then wait for itself. Not a pipe,
	// which has no prompt: whether a read of a pipe can be recalled was never tried.
	if l.prompt == nil || !l.engine.IsNative() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.promptReturns < promptReturns || c.readers > c.inbox.Len() || !l.mayLend() {
		return false
	}
	l.place.lent, l.place.goesOn, l.place.err = true, true, nil
	l.watchPlace()
	return true
}

// mayLend reports whether nothing but messages for one reader is to be expected.
func (l *link) mayLend() bool {
	c := l.conn
	return c.link == l && !l.dead && !l.over && !l.place.stopped && !c.closedHere &&
		len(c.requests.waiting) == 0 && len(c.streams.open) == 0
}

// awaitReturn waits until the place is back, and says how the reading there ended.
func (l *link) awaitReturn() (goesOn bool, err error) {
	<-l.place.back
	l.conn.mu.Lock()
	defer l.conn.mu.Unlock()
	return l.place.goesOn, l.place.err
}

// recall has the place given back: at once, or by the goroutine that reads now.
func (l *link) recall() {
	p := &l.place
	if !p.lent || p.recalled {
		return
	}
	if !p.taken {
		l.giveBack()
		return
	}
	p.recalled = true
	_ = l.transport.SetReadDeadline(past)
}

// needsReader is called when somebody else than a reader of messages waits for what the peer says.
func (l *link) needsReader() {
	if l != nil && !l.place.taken {
		l.recall()
	}
}

func (l *link) giveBack() {
	l.place.lent = false
	l.conn.promptReturns = 0
	l.place.back <- struct{}{}
}

// readHere reads in the place that was lent, until a message waits or the place is given back. It is called, and returns, with
// the lock of conn.
func (l *link) readHere(ctx context.Context) {
	p, c := &l.place, l.conn
	p.taken = true
	p.uses++
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if p.taken {
				l.recall()
			}
		})()
	}
	for {
		c.mu.Unlock()
		goesOn, err := l.readChunk()
		c.mu.Lock()
		recalled := p.recalled
		if recalled && !p.stopped {
			_ = l.transport.SetReadDeadline(p.deadline)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				err = nil
			}
		}
		if recalled || !goesOn || err != nil || !l.mayLend() {
			p.goesOn, p.err, p.taken, p.recalled = goesOn, err, false, false
			l.giveBack()
			return
		}
		if c.inbox.Len() > 0 {
			p.taken = false
			p.uses++
			l.watchPlace()
			return
		}
	}
}

// watchPlace sees to it that somebody reads, if the application stays away.
func (l *link) watchPlace() {
	p := &l.place
	if p.watching {
		return
	}
	p.watching, p.seen = true, p.uses
	if p.watch == nil {
		p.watch = time.AfterFunc(absence, l.lookAtPlace)
	} else {
		p.watch.Reset(absence)
	}
}

func (l *link) lookAtPlace() {
	p := &l.place
	l.conn.mu.Lock()
	defer l.conn.mu.Unlock()
	p.watching = false
	switch {
	case !p.lent || p.taken && p.uses == p.seen:
		// Who waits for a message reads it, however late it comes.
	case p.uses == p.seen:
		l.recall()
	default:
		l.watchPlace()
	}
}
