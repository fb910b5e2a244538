// Package fifo has a queue whose memory is used again: what goes through it for long allocates nothing.
package fifo

// Queue is first in, first out. The zero value is empty.
type Queue[T any] struct {
	items []T
	head  int
}

// Len is how many there are.
func (q *Queue[T]) Len() int { return len(q.items) - q.head }

// At is the index-th from the front, good until the queue changes.
func (q *Queue[T]) At(index int) *T { return &q.items[q.head+index] }

// Push adds one at the end.
func (q *Queue[T]) Push(item T) {
	if len(q.items) == cap(q.items) && q.head > len(q.items)/2 {
		kept := copy(q.items, q.items[q.head:])
		clear(q.items[kept:])
		q.items, q.head = q.items[:kept], 0
	}
	q.items = append(q.items, item)
}

// Insert puts one before the index-th.
func (q *Queue[T]) Insert(index int, item T) {
	q.Push(item)
	live := q.items[q.head:]
	copy(live[index+1:], live[index:])
	live[index] = item
}

// Pop takes the first. There is one.
func (q *Queue[T]) Pop() T {
	var none T
	first := q.items[q.head]
	q.items[q.head] = none
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return first
}

// Clear drops all, and their memory.
func (q *Queue[T]) Clear() { *q = Queue[T]{} }
