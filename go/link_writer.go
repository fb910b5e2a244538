package sealpipe

import (
	"sync"
	"time"
)

var outputPool = sync.Pool{New: func() any {
	buffer := make([]byte, 0, pooledBytes)
	return &buffer
}}

func (l *link) wake() {
	l.writerIdle = false
	select {
	case l.wakeWriter <- struct{}{}:
	default:
	}
}

func (l *link) write() {
	defer l.running.Done()
	pooled := (*[]byte)(nil)
	giveBack := func() {
		if pooled != nil {
			outputPool.Put(pooled)
			pooled = nil
		}
	}
	defer giveBack()
	for {
		var buffer []byte
		if pooled != nil {
			buffer = *pooled
		}
		output, isSealed, more := l.nextOutput(buffer)
		switch {
		case output == nil && more:
			giveBack()
			<-l.wakeWriter
		case output == nil:
			_ = l.transport.CloseWrite()
			return
		default:
			if !isSealed {
				l.engine.Sealer.Seal(output)
			}
			if !l.writeAll(output) {
				return
			}
			if pooled == nil && cap(output) > keptOutputBytes {
				pooled = outputPool.Get().(*[]byte)
			}
		}
	}
}

// nextOutput is the next output, in buffer or, if that is nil, in memory of the link's; if there is none, whether there may be
// more later.
func (l *link) nextOutput(buffer []byte) (output []byte, isSealed, more bool) {
	l.conn.mu.Lock()
	defer l.conn.mu.Unlock()
	if l.writing {
		return nil, false, true
	}
	if len(l.rest) > 0 {
		output, l.rest = l.rest, nil
		return output, true, true
	}
	if buffer == nil {
		buffer = l.small
	}
	output = l.engine.AppendOutput(buffer[:0], now)
	if len(output) > 0 {
		return output, false, true
	}
	l.progressed()
	if l.dead || l.engine.OutputEnded() || l.over && l.engine.Err() != nil {
		return nil, false, false
	}
	l.writerIdle = !l.engine.HasOutput()
	if !l.writerIdle {
		l.wake()
	} else {
		l.conn.idle.fire()
	}
	return nil, false, true
}

// takesPromptly reports whether the caller, which is about to queue that many bytes, shall write them itself by promptly: one
// answer to one message leaves sooner without a change of goroutines. Of several, the goroutine that writes makes one write.
func (l *link) takesPromptly(count int) bool {
	if l == nil || !l.writesNow || !l.writerIdle || l.prompt == nil || count > maxPromptBytes || l.dead || l.over {
		return false
	}
	l.writing, l.writerIdle, l.writesNow = true, false, false
	return true
}

// promptly writes what takesPromptly has announced. It is called, and returns, with the lock of conn, and without it in
// between.
func (l *link) promptly() {
	output := l.engine.AppendOutput(l.small[:0], now)
	if len(output) > 0 {
		l.conn.mu.Unlock()
		l.engine.Sealer.Seal(output)
		count := l.prompt.Write(output)
		l.conn.mu.Lock()
		l.rest = output[count:]
		if count > 0 {
			l.left(len(l.rest) == 0)
		}
	}
	l.writing = false
	if len(l.rest) > 0 || l.dead || l.over || l.engine.HasOutput() || l.engine.OutputEnded() {
		l.wake()
		return
	}
	l.writerIdle = true
	l.conn.idle.fire()
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
		if err != nil && !dead {
			l.writeFailed()
		}
		l.conn.mu.Unlock()
		if err != nil || dead {
			return false
		}
	}
	return true
}

// writeFailed: the reader reports the failure, after it has read everything that is still there.
func (l *link) writeFailed() {
	l.place.deadline = time.Now().Add(writeFailureGrace)
	if !l.place.stopped && !l.place.recalled {
		_ = l.transport.SetReadDeadline(l.place.deadline)
	}
	l.needsReader()
}

// left is called with the lock of conn when a piece of the output has been handed to the system.
func (l *link) left(all bool) {
	if l.dead {
		return
	}
	if all {
		l.engine.OutputLeft(now)
	}
	if l.lingering != nil {
		l.lingering.Left(l.engine.QueuedBytes(), now())
	}
	l.progressed()
	l.conn.outputLeft(l)
}
