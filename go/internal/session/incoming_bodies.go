package session

import (
	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

// maxAhead: no more than so many times what has arrived of a body is allocated.
const maxAhead = 4

// IncomingBody is a large one that is under way.
type IncomingBody struct {
	id, bodyType uint32
	total        int
	data         []byte
	trace        *wire.TraceContext
}

// Missing is how many bytes are still to come.
func (b *IncomingBody) Missing() int { return b.total - len(b.data) }

// incomingBodies are the large ones of a lane that are under way.
type incomingBodies struct {
	maxMessageBytes, maxUnderWay int
	underWay                     []*IncomingBody
}

func (b *incomingBodies) find(id uint32) int {
	for index, body := range b.underWay {
		if body.id == id {
			return index
		}
	}
	return -1
}

// bytes is the memory that they take.
func (b *incomingBodies) bytes() (bytes int64) {
	for _, body := range b.underWay {
		bytes += int64(cap(body.data))
	}
	return bytes
}

func (b *incomingBodies) start(id, bodyType uint32, total uint32, data []byte, memory *arena) error {
	if int64(total) > int64(b.maxMessageBytes) {
		return fault.New(fault.PeerMessageTooLarge, "the peer announced a message of %d bytes, over its limit of %d", total, b.maxMessageBytes)
	}
	if len(b.underWay) >= b.maxUnderWay || b.find(id) >= 0 {
		return wire.InvalidFrame("the start of a large body while as many as there may be are under way")
	}
	if len(data) >= int(total) {
		return wire.InvalidFrame("the start of a large body that is all of it")
	}
	// Memory that was returned is there anyway, however little has arrived.
	body := &IncomingBody{id: id, bodyType: bodyType, total: int(total), data: memory.take(int(total))}
	b.underWay = append(b.underWay, body)
	return body.add(data)
}

// part gives the body with its last part, until then nil.
func (b *incomingBodies) part(id uint32, data []byte) (*IncomingBody, error) {
	index := b.find(id)
	if index < 0 {
		return nil, wire.InvalidFrame("a part of a large body that has no start")
	}
	body := b.underWay[index]
	if err := body.add(data); err != nil || body.Missing() > 0 {
		return nil, err
	}
	b.underWay = append(b.underWay[:index], b.underWay[index+1:]...)
	return body, nil
}

func (b *IncomingBody) add(data []byte) error {
	if len(data) > b.Missing() {
		return wire.InvalidFrame("more of a large body than its start said")
	}
	arrived := len(b.data) + len(data)
	if arrived < b.total && len(data) < wire.MinPartBytes {
		return wire.InvalidFrame("a part that is too small")
	}
	if arrived > cap(b.data) {
		larger := make([]byte, len(b.data), min(b.total, arrived*maxAhead))
		copy(larger, b.data)
		b.data = larger
	}
	b.data = append(b.data, data...)
	return nil
}
