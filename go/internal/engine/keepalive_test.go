package engine

import "testing"

func TestARoundTripIsTakenOfTheFirstAnswerToAPing(t *testing.T) {
	k := keepalive{limits: KeepaliveLimits{IntervalMs: 100, TimeoutMs: 50}}
	answered := func(now, want int64) {
		t.Helper()
		k.heard(now)
		if k.answered(); k.roundTripMs != want {
			t.Errorf("at %d it is %d ms, not %d", now, k.roundTripMs, want)
		}
	}
	answered(10, 0)
	if verdict := k.handleTimeout(110); verdict != ping {
		t.Fatal(verdict)
	}
	answered(113, 3)
	answered(120, 3)
	if verdict := k.handleTimeout(220); verdict != ping {
		t.Fatal(verdict)
	}
	answered(220, 1)
}

// at is a clock that stands still.
func at(now int64) Clock { return func() int64 { return now } }
