package session

import (
	"fmt"

	"sealpipe/internal/wire"
)

// RequestIDs gives ids to the requests of one end: 1 at first, and after 4294967295 again 1.
// Source: spec/protocol.md, "Requests".
type RequestIDs struct{ last uint32 }

// Next is the next id that is not in use.
func (r *RequestIDs) Next(inUse func(uint32) bool) uint32 {
	for {
		r.last++
		if r.last != 0 && !inUse(r.last) {
			return r.last
		}
	}
}

// checkRequestID holds a peer's request to what the spec says of its id.
func checkRequestID(id uint32, handled bool) error {
	if id == 0 {
		return wire.InvalidFrame("a request with the id 0")
	}
	if handled {
		return wire.InvalidFrame(fmt.Sprintf("a request %d while one of that id is being handled", id))
	}
	return nil
}
