package session

import "sealpipe/internal/fifo"

const (
	// maxEarlyCancels bounds the cancels that are kept for requests yet to arrive. If a peer sends more, its requests
	// are handled in vain.
	maxEarlyCancels = 16_384
	// maxOvertaken bounds the runs of overtaken requests whose cancels are still recognised as early.
	maxOvertaken = 1_024
)

// EarlyCancels are cancels that arrived before their requests, which travel in another lane: a cancel overtakes a
// request that waits for its window, or whose large body is under way. Such a request must not be handled when it
// arrives; otherwise requests that nobody waits for would keep the handlers busy. Source: spec/protocol.md,
// "Requests".
type EarlyCancels struct {
	ids         map[uint32]struct{}
	lastArrived uint32
	// overtaken are ids before the last that have not arrived, in order, as runs, so that a peer whose ids leap costs no
	// more than one that counts.
	overtaken fifo.Queue[idRun]
}

// idRun has the ids from first to last, inclusive.
type idRun struct{ first, last uint32 }

// Add processes a cancel of an unknown request. If the request was there before, the cancel has crossed the answer.
func (e *EarlyCancels) Add(id uint32) {
	if !isAfter(id, e.lastArrived) && e.runOf(id) < 0 || len(e.ids) >= maxEarlyCancels {
		return
	}
	if e.ids == nil {
		e.ids = map[uint32]struct{}{}
	}
	e.ids[id] = struct{}{}
}

// Arrived processes a request that has arrived, and reports whether it was cancelled before.
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
	// An id half way round is no longer before the last, and is dropped; the rest stay in order.
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

// runOf is a binary search: every cancel and request of a peer leads here, and costs the peer only a few bytes.
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

// distanceTo is how far that id is before the last that has arrived.
func (e *EarlyCancels) distanceTo(id uint32) uint32 { return e.lastArrived - id }

// forgetOldest drops the ids that were overtaken first, which will probably never arrive.
func (e *EarlyCancels) forgetOldest() {
	if e.overtaken.Len() > maxOvertaken {
		e.overtaken.Pop()
	}
}

// isAfter: ids wrap around; those less than half way ahead are after, and the rest before.
func isAfter(id, other uint32) bool {
	distance := id - other
	return distance > 0 && distance < 1<<31
}
