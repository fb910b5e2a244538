package session

import "sealpipe/internal/wire"

// stream is one that is not over, as far as its frames go. Positions are weights, from its opening.
type stream struct {
	id uint32
	// own: this end opened it.
	own bool
	// sent is how far items are in the lane, and peerConsumed how far the peer's application has consumed them.
	sent, peerConsumed int64
	ended              bool
	// received is how far the peer's items have arrived, consumed how far our application has consumed them, and credited how
	// far the peer knows of that.
	received, consumed, credited int64
	peerEnded                    bool
	// stopped: the peer was asked to end, and what still comes is dropped.
	stopped bool
}

// isIDOf reports whether that side opens streams of that id.
func isIDOf(side wire.Side, id uint32) bool {
	return id != 0 && (id%2 == 1) == (side == wire.ClientSide)
}

// streamIDAfter is the one that the side gives after another, which is 0 at first: each is the next but one, and after the
// highest comes the lowest.
func streamIDAfter(side wire.Side, id uint32) uint32 {
	if id == 0 && side == wire.ClientSide {
		return 1
	}
	if id += 2; id == 0 {
		return 2
	}
	return id
}
