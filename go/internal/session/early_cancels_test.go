package session

import (
	"math/rand/v2"
	"testing"
)

func TestACancelThatComesBeforeItsRequestIsRemembered(t *testing.T) {
	var e EarlyCancels
	e.Arrived(1)
	e.Add(3)
	e.Add(1) // It has crossed the answer.
	e.Arrived(4)
	e.Add(2) // Overtaken, and still to come.
	for id, want := range map[uint32]bool{2: true, 3: true, 5: false} {
		if got := e.Arrived(id); got != want {
			t.Errorf("request %d cancelled: %v", id, got)
		}
	}
	if len(e.ids) != 0 {
		t.Errorf("%d are left", len(e.ids))
	}
}

func TestIdsGoRound(t *testing.T) {
	e := EarlyCancels{lastArrived: 0xffff_fffe}
	e.Add(1)
	if e.Arrived(0xffff_ffff) || !e.Arrived(1) {
		t.Error("a cancel across the end of the ids was forgotten")
	}
}

func TestAPeerWhoseIdsLeapCostsABoundedAmount(t *testing.T) {
	var e EarlyCancels
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		e.Arrived(random.Uint32())
		e.Add(random.Uint32())
	}
	if len(e.ids) > maxEarlyCancels || e.overtaken.Len() > maxOvertaken {
		t.Errorf("%d cancels and %d runs are kept", len(e.ids), e.overtaken.Len())
	}
}

func TestRequestIDsSkipZeroAndThoseInUse(t *testing.T) {
	ids := RequestIDs{last: 0xffff_fffe}
	inUse := func(id uint32) bool { return id == 1 }
	if first, second := ids.Next(inUse), ids.Next(inUse); first != 0xffff_ffff || second != 2 {
		t.Errorf("%d, %d", first, second)
	}
}
