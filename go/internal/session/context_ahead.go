package session

import (
	"encoding/binary"
	"fmt"

	"sealpipe/internal/wire"
)

// contextAhead is the context that has arrived in a lane and belongs to the request or the stream whose first frame is the next.
// Source: spec/protocol.md, "Context".
type contextAhead struct {
	id    uint32
	trace *wire.TraceContext
}

func (a *contextAhead) arrived(body []byte) (err error) {
	if err := a.checkNone(); err != nil {
		return err
	}
	a.id = binary.BigEndian.Uint32(body)
	a.trace, err = wire.DecodeTraceContext(body[4:])
	return err
}

// take gives the context of what that id begins, if it has one.
func (a *contextAhead) take(id uint32) (*wire.TraceContext, error) {
	if a.trace != nil && a.id != id {
		return nil, a.checkNone()
	}
	trace := a.trace
	a.trace = nil
	return trace, nil
}

// checkNone is an error if the next frame has to be a first one.
func (a *contextAhead) checkNone() error {
	if a.trace == nil {
		return nil
	}
	return wire.InvalidFrame(fmt.Sprintf("a context for %d, and then something else", a.id))
}
