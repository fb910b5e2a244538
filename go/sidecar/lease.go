package sidecar

import (
	"bufio"
	"io"
	"os"
	"sync"
	"time"
)

const maxLineBytes = 65_536

// lease is the parent's hold on this process: it lasts as long as the parent keeps the other end of the standard input open.
type lease struct {
	drainTimeout time.Duration
	// line gets the parent's first line, or nil if there is none. ended is closed when the parent is gone, or wants this process to
	// end.
	line  chan []byte
	ended chan struct{}

	mu        sync.Mutex
	released  bool
	directory string
	group     int
}

func newLease(input io.Reader, drainTimeout time.Duration) *lease {
	l := &lease{drainTimeout: drainTimeout, line: make(chan []byte, 1), ended: make(chan struct{})}
	go l.watch(input)
	return l
}

// watch reads in a goroutine of its own, which goes on whatever the program does.
func (l *lease) watch(input io.Reader) {
	reader := bufio.NewReaderSize(input, maxLineBytes)
	line, err := reader.ReadSlice('\n')
	if err == nil {
		l.line <- append([]byte(nil), line...)
	} else {
		l.line <- nil
	}
	clear(line)
	if err == nil || err == bufio.ErrBufferFull {
		_, _ = io.Copy(io.Discard, reader)
	}
	close(l.ended)
	time.AfterFunc(l.drainTimeout, l.die)
}

// hold says what ends with the process: a directory, with all that is in it, and a process group, unless they are "" and 0.
func (l *lease) hold(directory string, group int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.directory, l.group = directory, group
}

// release: the process does not hang on its parent any more.
func (l *lease) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released = true
}

// die ends the process now, and its group with it.
func (l *lease) die() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released {
		return
	}
	if l.directory != "" {
		_ = os.RemoveAll(l.directory)
	}
	killGroup(l.group)
	killSelf()
}
