package session

import (
	"sealpipe/internal/wire"
)

// place is one between two frames of the run that ends at runEnd: in its bytes, and in the lane.
type place struct {
	runEnd   int64
	offset   int
	position int64
}

// retire returns the memory of a run that is not needed any more.
func (l *sendLane) retire(retired *run) {
	if retired.slab == nil {
		return
	}
	retired.slab.runs--
	if retired.slab.runs == 0 && retired.slab != l.open {
		retired.slab.bytes = retired.slab.bytes[:0]
		l.spare = retired.slab
	}
}

// runAt is the index of the first run that ends after that position, or how many there are.
func (l *sendLane) runAt(position int64) int {
	index := 0
	for index < l.sent.Len() && l.sent.At(index).end <= position {
		index++
	}
	return index
}

// endsFrame reports whether a frame ends at that position, which was sent, and is not before the acknowledged one.
func (l *sendLane) endsFrame(position int64) bool {
	index := l.runAt(position)
	if index == l.sent.Len() {
		return position == l.sentPosition
	}
	found := l.sent.At(index)
	if found.frames == nil || position <= found.end-found.weight {
		return position == found.end-found.weight
	}
	return l.walk(found, position).position == position
}

// walk passes the run's frames up to that position, and gives the end of the first that does not end before it. It
// passes each frame once, however many acknowledgements its run gets.
func (l *sendLane) walk(along *run, position int64) place {
	at := place{runEnd: along.end, position: along.end - along.weight}
	if l.place.runEnd == along.end && l.place.position <= position {
		at = l.place
	}
	for at.position < position {
		frameBytes := wire.FrameBytes(along.frames[at.offset:])
		at.offset += frameBytes
		at.position += int64(frameBytes) + FrameOverheadBytes
	}
	l.place = at
	return at
}

// acknowledge: the peer has consumed everything before position, which the caller has checked.
func (l *sendLane) acknowledge(position int64) {
	l.acknowledged = position
	for l.sent.Len() > 0 && l.sent.At(0).end <= position {
		done := l.sent.Pop()
		l.retire(&done)
		l.recycle(&done)
		l.resendFrom = max(0, l.resendFrom-1)
	}
	if l.queuedBytes() == 0 {
		l.spares = nil
	}
}

// recycle keeps the memory of a body that is acknowledged as a whole for the next, while the lane is busy: memory that is used
// for the first time costs more than the copy into it.
func (l *sendLane) recycle(done *run) {
	body := done.body
	// One that is being sealed still is left to the collector: the peer has acknowledged what it cannot have read.
	if body != nil && !body.lent && done.index == body.parts()-1 && cap(body.memory) <= maxSpareBytes && len(l.spares) < maxSpares {
		l.spares = append(l.spares, body.memory)
	}
}

// canRewind reports whether the lane can go on at that position.
func (l *sendLane) canRewind(position int64) bool {
	return position >= l.acknowledged && position <= l.sentPosition &&
		(position == l.acknowledged || l.endsFrame(position))
}

// rewind goes back to the position up to which the peer has received. The caller has seen that this can be done.
func (l *sendLane) rewind(position int64) {
	index := l.runAt(position)
	if index < l.sent.Len() && l.sent.At(index).end-l.sent.At(index).weight < position {
		l.splitRun(index, position)
		index++
	}
	l.resendFrom = index
}

// splitRun makes two runs of one, so that the second begins at that position, at which a frame ends.
func (l *sendLane) splitRun(index int, position int64) {
	whole := *l.sent.At(index)
	offset := l.walk(&whole, position).offset
	first, second := whole, whole
	first.frames, first.end = whole.frames[:offset], position
	first.weight = whole.weight - (whole.end - position)
	// A frame ahead of a body's: the memory of the body is used again after the second, and once.
	first.body = nil
	second.frames, second.weight = whole.frames[offset:], whole.end-position
	if whole.slab != nil {
		whole.slab.runs++
	}
	*l.sent.At(index) = second
	l.sent.Insert(index, first)
	l.place = place{}
}

// drain empties the lane: it returns what was sent, at least in part, and not acknowledged, and what was not sent at
// all.
func (l *sendLane) drain() (sent, unsent []leftover) {
	l.closeRun()
	var last *outgoingBody
	for l.sent.Len() > 0 {
		next := l.sent.Pop()
		if next.body == nil || next.body != last && !contains(sent, next.body) {
			sent = append(sent, leftover{frames: next.frames, body: next.body})
		}
		last = next.body
	}
	for l.waiting.Len() > 0 {
		next := l.waiting.Pop()
		unsent = append(unsent, leftover{frames: next.run.frames, body: next.body})
	}
	for l.interleaved.Len() > 0 {
		unsent = append(unsent, leftover{body: l.interleaved.Pop()})
	}
	kept := unsent[:0]
	for _, left := range unsent {
		switch {
		case left.body == nil || left.body.next == 0:
			kept = append(kept, left)
		case !contains(sent, left.body):
			sent = append(sent, left)
		}
	}
	l.resendFrom, l.waitingWeight, l.acknowledged, l.place = 0, 0, l.sentPosition, place{}
	return sent, kept
}
