package engine

// KeepaliveLimits are when to check whether the peer is alive.
type KeepaliveLimits struct {
	// IntervalMs is how long a silence leads to a ping; Never: no pings. TimeoutMs is how long the silence may last
	// after it.
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
	// awaitsPong: the last ping is not answered. roundTripMs is how long the answer to a ping took, at least 1;
	// 0 before the first.
	awaitsPong  bool
	roundTripMs int64
}

func (k *keepalive) heard(now int64) { k.heardAt, k.pinged = now, false }

func (k *keepalive) answered() {
	if k.awaitsPong {
		k.awaitsPong, k.roundTripMs = false, max(1, k.heardAt-k.pingedAt)
	}
}

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
	// A timeout that is this late means that this process was held up: what the peer sent may be unread, and the last
	// ping unsent.
	heldUp := now-next > k.limits.TimeoutMs/2
	if k.pinged && !heldUp {
		return dead
	}
	k.pinged, k.pingedAt, k.awaitsPong = true, now, true
	return ping
}
