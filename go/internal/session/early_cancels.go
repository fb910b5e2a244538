package session

import "sealpipe/internal/fifo"

const (
	// maxEarlyCancels bounds the cancels that are kept for requests to come. A peer that sends more has its requests handled
	// for nothing.
	maxEarlyCancels = 16_384
	// maxOvertaken bounds the runs of requests that others have overtaken and whose cancels are still known to be early.
	maxOvertaken = 1_024
)

// EarlyCancels are those that came before their requests, as they travel in another lane: a request that waits for its
// window is overtaken, and so is one whose large body is under way. It is not to be handled when it comes, or those who gave
// up waiting would keep the handlers busy. Source: spec/protocol.md, "Requests".
type EarlyCancels struct {
	ids         map[uint32]struct{}
	lastArrived uint32
	// overtaken are ids before the last that have not come, in order, as runs, so that a peer whose ids leap costs no more
	// than one that counts.
	overtaken fifo.Queue[idRun]
}

// idRun has the ids from first to last, both of them too.
type idRun struct{ first, last uint32 }

// Add is told of a cancel of a request that is not there. One whose request was there before has crossed its answer.
func (e *EarlyCancels) Add(id uint32) {
	if !isAfter(id, e.lastArrived) && e.runOf(id) < 0 || len(e.ids) >= maxEarlyCancels {
		return
	}
	if e.ids == nil {
		e.ids = map[uint32]struct{}{}
	}
	e.ids[id] = struct{}{}
}

// Arrived is told of a request that has come, and reports whether it was cancelled before.
func (e *EarlyCancels) Arrived(id uint32) bool {
	if isAfter(id, e.lastArrived) {
		e.advance(id)
	} else {
		e.catchUp(id)
	}
	_, cancelled := e.ids[id]
	delete(e.ids, id)
	return cancelled
}

func (e *EarlyCancels) advance(id uint32) {
	first := e.lastArrived + 1
	e.lastArrived = id
	if id != first {
		e.overtaken.Push(idRun{first, id - 1})
	}
	// What lies half the way behind is before nothing any more, and those in between stay in order.
	for e.overtaken.Len() > 0 && isAfter(e.overtaken.At(0).first, id) {
		e.overtaken.Pop()
	}
	e.forgetOldest()
}

func (e *EarlyCancels) catchUp(id uint32) {
	index := e.runOf(id)
	if index < 0 {
		return
	}
	run := e.overtaken.At(index)
	before, after := idRun{run.first, id - 1}, idRun{id + 1, run.last}
	switch {
	case run.first == id && run.last == id:
		e.remove(index)
	case run.first == id:
		*run = after
	case run.last == id:
		*run = before
	default:
		*run = before
		e.overtaken.Insert(index+1, after)
	}
	e.forgetOldest()
}

func (e *EarlyCancels) remove(index int) {
	for ; index > 0; index-- {
		*e.overtaken.At(index) = *e.overtaken.At(index - 1)
	}
	e.overtaken.Pop()
}

// runOf finds by halves: a peer may ask for each of its cancels and requests, and pays for a few bytes only.
func (e *EarlyCancels) runOf(id uint32) int {
	low, high := 0, e.overtaken.Len()
	for low < high {
		middle := (low + high) / 2
		if e.distanceTo(e.overtaken.At(middle).last) > e.distanceTo(id) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low < e.overtaken.Len() && e.distanceTo(e.overtaken.At(low).first) >= e.distanceTo(id) {
		return low
	}
	return -1
}

// distanceTo is how far that id lies behind the last that has come.
func (e *EarlyCancels) distanceTo(id uint32) uint32 { return e.lastArrived - id }

// forgetOldest: those that were overtaken first never come, it seems.
func (e *EarlyCancels) forgetOldest() {
	if e.overtaken.Len() > maxOvertaken {
		e.overtaken.Pop()
	}
}

// isAfter: ids go round, so what is less than half the way ahead is after, and the rest before.
func isAfter(id, other uint32) bool {
	distance := id - other
	return distance > 0 && distance < 1<<31
}
