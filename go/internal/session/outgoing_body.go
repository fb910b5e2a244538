package session

import (
	"encoding/binary"

	"sealpipe/internal/wire"
)

// outgoingBody is a message, request or answer that does not share memory with others.
type outgoingBody struct {
	kinds  bodyKinds
	fields []uint32
	// ahead is a whole frame that leaves together with the first of the body, if there is one.
	ahead []byte
	// data are in memory, after headRoomBytes in which the header of a whole frame has room.
	data, memory []byte
	// lent: what was appended last is sealed from here, see outgoing.lendFrame.
	lent bool
	// next is the first part that was not sent.
	next  int
	after int64
}

// bodyKinds are the frames in which a body leaves: whole, or its start and its parts, which have partFields of the fields.
type bodyKinds struct {
	whole, start, part wire.Kind
	partFields         int
}

// headRoomBytes is room for a frame's header and the fixed fields of any kind.
const headRoomBytes = wire.FrameHeaderBytes + 3*4

// wholeFrame is the frame of a body that is not cut, in the body's own memory.
func (b *outgoingBody) wholeFrame() []byte {
	bytes := b.frameBytes(0)
	start := headRoomBytes - (bytes - len(b.data))
	head := wire.AppendFrameHeader(b.memory[start:start], b.kinds.whole, bytes-wire.FrameHeaderBytes)
	for _, field := range b.fields {
		head = binary.BigEndian.AppendUint32(head, field)
	}
	return b.memory[start : start+bytes]
}

func (b *outgoingBody) startBytes() int {
	return wire.MaxBodyBytes - 4*(len(b.fields)+1) - len(b.ahead)
}

func (b *outgoingBody) partBytes() int { return wire.MaxBodyBytes - 4*b.kinds.partFields }

func (b *outgoingBody) isCut() bool {
	return len(b.ahead)+4*len(b.fields)+len(b.data) > wire.MaxBodyBytes
}

func (b *outgoingBody) parts() int {
	if !b.isCut() {
		return 1
	}
	return 1 + (len(b.data)-b.startBytes()+b.partBytes()-1)/b.partBytes()
}

// part is the index-th frame's kind, how many fields it has, whether the total follows them, and its data.
func (b *outgoingBody) part(index int) (kind wire.Kind, fields []uint32, total bool, data []byte) {
	if !b.isCut() {
		return b.kinds.whole, b.fields, false, b.data
	}
	if index == 0 {
		return b.kinds.start, b.fields, true, b.data[:b.startBytes()]
	}
	start := b.startBytes() + (index-1)*b.partBytes()
	return b.kinds.part, b.fields[:b.kinds.partFields], false, b.data[start:min(len(b.data), start+b.partBytes())]
}

func (b *outgoingBody) frameBytes(index int) int {
	_, fields, total, data := b.part(index)
	bytes := wire.FrameHeaderBytes + 4*len(fields) + len(data)
	if total {
		bytes += 4
	}
	return bytes
}

func (b *outgoingBody) appendFrame(dst []byte, index int) []byte {
	kind, fields, total, data := b.part(index)
	dst = wire.AppendFrameHeader(dst, kind, b.frameBytes(index)-wire.FrameHeaderBytes)
	for _, field := range fields {
		dst = binary.BigEndian.AppendUint32(dst, field)
	}
	if total {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(b.data)))
	}
	return append(dst, data...)
}

// runBytes and weightOf are of the frame, and of the one ahead of it.
func (b *outgoingBody) runBytes(index int) int {
	if index == 0 {
		return len(b.ahead) + b.frameBytes(index)
	}
	return b.frameBytes(index)
}

func (b *outgoingBody) weightOf(index int) int64 {
	weight := int64(b.runBytes(index)) + FrameOverheadBytes
	if index == 0 && len(b.ahead) > 0 {
		weight += FrameOverheadBytes
	}
	return weight
}

// weight is what all of its frames add to the lane's position.
func (b *outgoingBody) weight() int64 {
	weight := int64(0)
	for index := range b.parts() {
		weight += b.weightOf(index)
	}
	return weight
}
