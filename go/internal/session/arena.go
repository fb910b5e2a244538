package session

const (
	arenaBytes = 16_384
	// maxArenaShare: longer data have memory of their own, so that what is kept of a little keeps little.
	maxArenaShare = 2_048
)

// arena gives short data memory that they share with a few others, so that a message costs no allocation.
type arena struct{ rest []byte }

func (a *arena) clone(data []byte) []byte {
	if len(data) > maxArenaShare {
		own := make([]byte, len(data))
		copy(own, data)
		return own
	}
	if len(data) > len(a.rest) {
		a.rest = make([]byte, arenaBytes)
	}
	own := a.rest[:len(data):len(data)]
	a.rest = a.rest[len(data):]
	copy(own, data)
	return own
}
