package peer

import "sync"

// queue is an unbounded first-in, first-out queue: put never blocks.
type queue[T any] struct {
	mutex  sync.Mutex
	filled *sync.Cond
	items  []T
	closed bool
}

func newQueue[T any]() *queue[T] {
	q := &queue[T]{}
	q.filled = sync.NewCond(&q.mutex)
	return q
}

func (q *queue[T]) put(item T) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.closed {
		return
	}
	q.items = append(q.items, item)
	q.filled.Signal()
}

// takeAll waits until there is something and takes everything; it returns nil
// once the queue is closed and empty.
func (q *queue[T]) takeAll() []T {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	for len(q.items) == 0 && !q.closed {
		q.filled.Wait()
	}
	items := q.items
	q.items = nil
	return items
}

func (q *queue[T]) close() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.closed = true
	q.filled.Broadcast()
}
