package fifo

import "testing"

func TestWhatGoesInComesOutInOrder(t *testing.T) {
	var q Queue[int]
	next, want := 0, 0
	for round := range 1000 {
		for range round % 7 {
			q.Push(next)
			next++
		}
		for q.Len() > round%5 {
			if got := q.Pop(); got != want {
				t.Fatalf("%d came out, not %d", got, want)
			}
			want++
		}
	}
}

func TestOneIsInsertedInItsPlace(t *testing.T) {
	var q Queue[int]
	for i := range 3 {
		q.Push(i)
	}
	q.Pop()
	q.Insert(1, 9)
	for index, want := range []int{1, 9, 2} {
		if got := *q.At(index); got != want {
			t.Errorf("%d is at %d, not %d", got, index, want)
		}
	}
}

func TestALongQueueAllocatesNothing(t *testing.T) {
	var q Queue[int]
	for range 64 {
		q.Push(0)
	}
	if allocs := testing.AllocsPerRun(10_000, func() { q.Push(q.Pop()) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
