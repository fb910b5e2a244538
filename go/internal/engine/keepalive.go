package engine

// KeepaliveLimits say when to ask whether the peer is alive.
type KeepaliveLimits struct {
	// IntervalMs is how long nothing may be heard before a ping; Never never asks. TimeoutMs is how long after it.
	IntervalMs, TimeoutMs int64
}

type keepaliveVerdict int

const (
	fine keepaliveVerdict = iota
	ping
	dead
)

// keepalive finds out whether the peer is alive. Source: spec/protocol.md, "Keepalive".
type keepalive struct {
	limits   KeepaliveLimits
	heardAt  int64
	pinged   bool
	pingedAt int64
}

func (k *keepalive) heard(now int64) { k.heardAt, k.pinged = now, false }

func (k *keepalive) nextTimeout() int64 {
	if k.pinged {
		return k.pingedAt + k.limits.TimeoutMs
	}
	if k.limits.IntervalMs == Never {
		return Never
	}
	return k.heardAt + k.limits.IntervalMs
}

func (k *keepalive) handleTimeout(now int64) keepaliveVerdict {
	next := k.nextTimeout()
	if now < next {
		return fine
	}
	// That late, it is us who were held up: what the peer sent may lie unread, and our last ping unsent.
	heldUp := now-next > k.limits.TimeoutMs/2
	if k.pinged && !heldUp {
		return dead
	}
	k.pinged, k.pingedAt = true, now
	return ping
}
