// Package session is what two native ends have said to each other and not settled yet: lanes with their positions and
// windows, bodies under way, request ids. It outlives the connection, so that another one can go on where it broke. It
// does no I/O, asks no clock and starts no goroutine; whoever uses it holds a lock around it.
//
// Source: spec/protocol.md, "Lanes", "Large bodies", "Requests" and "Resume".
package session

import (
	"encoding/binary"

	"sealpipe/internal/fifo"
	"sealpipe/internal/wire"
)

const (
	// FrameOverheadBytes is what a frame adds to its lane's position besides its bytes.
	FrameOverheadBytes = 64
	// maxBodiesUnderWay bounds the large bodies of a lane whose parts are on their way at the same time.
	maxBodiesUnderWay = 4

	minSlabBytes = 2_048
	// maxSlabBytes is half of the room that a record has for the frames of lanes.
	maxSlabBytes = (wire.FrameHeaderBytes + wire.MaxBodyBytes) / 2
	// maxSharedBytes: a longer frame has memory of its own.
	maxSharedBytes = 16_384
)

// slab is memory that frames are written into, one after the other.
type slab struct {
	bytes []byte
	// runs counts those that lie in it and may have to be sent again.
	runs int
}

// run is one or more whole frames of a lane that leave in one record.
type run struct {
	frames []byte
	slab   *slab
	// body is what the run is a part of, the index-th, if that is a body of its own: its frame is made as it leaves.
	body   *outgoingBody
	index  int
	weight int64
	// end is the lane's position after it, once it was sent.
	end int64
	// after is how far the messages have to be sent before it, as they were written before it.
	after int64
}

func (r *run) bytes() int {
	if r.body != nil {
		return r.body.frameBytes(r.index)
	}
	return len(r.frames)
}

// outgoingBody is a message, request or answer that does not share memory with others.
type outgoingBody struct {
	kinds  bodyKinds
	fields []uint32
	data   []byte
	// next is the first part that was not sent.
	next  int
	after int64
}

// bodyKinds are the frames in which a body leaves: whole, or its start and its parts, which have so many of the fields.
type bodyKinds struct {
	whole, start, part wire.Kind
	partFields         int
}

func (b *outgoingBody) startBytes() int { return wire.MaxBodyBytes - 4*(len(b.fields)+1) }

func (b *outgoingBody) partBytes() int { return wire.MaxBodyBytes - 4*b.kinds.partFields }

func (b *outgoingBody) isCut() bool { return 4*len(b.fields)+len(b.data) > wire.MaxBodyBytes }

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

// weight is what all of its frames add to the lane's position.
func (b *outgoingBody) weight() int64 {
	weight := int64(0)
	for index := range b.parts() {
		weight += int64(b.frameBytes(index)) + FrameOverheadBytes
	}
	return weight
}

// waiting is one of the two: a run of whole frames, or a body.
type waiting struct {
	run  run
	body *outgoingBody
}

// sendLane is one direction of one lane: frames that wait, and those that were sent and not acknowledged.
type sendLane struct {
	// ordered: bodies of several frames keep their place among the others; otherwise they take turns with them.
	ordered bool
	// sent are the runs that are on their way, or may have to be sent again; those from resendFrom on have to be.
	sent       fifo.Queue[run]
	resendFrom int
	waiting    fifo.Queue[waiting]
	// interleaved are cut bodies that take turns with what waits, if the lane is not ordered.
	interleaved fifo.Queue[*outgoingBody]
	bodyIsNext  bool

	open *slab
	// openStart is where in the open slab the frames begin that are not in waiting yet, and openWeight what they weigh.
	openStart  int
	openWeight int64
	openAfter  int64
	spare      *slab

	waitingWeight int64
	sentPosition  int64
	acknowledged  int64
	// window is how far after the acknowledged position the peer lets us go.
	window int64
	place  place
}

// place is one between two frames of the run that ends at runEnd: in its bytes, and in the lane.
type place struct {
	runEnd   int64
	offset   int
	position int64
}

// queuedBytes is the weight of what waits, or is sent and not acknowledged.
func (l *sendLane) queuedBytes() int64 { return l.waitingWeight + l.sentPosition - l.acknowledged }

// writtenPosition is where the lane will be once all that waits was sent.
func (l *sendLane) writtenPosition() int64 { return l.sentPosition + l.waitingWeight }

// allSent: everything was sent, on this connection too. Not all of it may be acknowledged.
func (l *sendLane) allSent() bool { return l.waitingWeight == 0 && l.resendFrom == l.sent.Len() }

// frame is room for a frame of that kind and body length in the open slab, to which the caller appends the body, and
// which it gives back by commit. after is the position of the messages before which it may not be sent.
func (l *sendLane) frame(kind wire.Kind, bodyBytes int, after int64) []byte {
	frameBytes := wire.FrameHeaderBytes + bodyBytes
	if l.open == nil || cap(l.open.bytes)-len(l.open.bytes) < frameBytes {
		l.renewSlab(frameBytes)
	}
	if after != l.openAfter {
		l.closeRun()
		l.openAfter = after
	}
	return wire.AppendFrameHeader(l.open.bytes, kind, bodyBytes)
}

func (l *sendLane) commit(bytes []byte) {
	weight := int64(len(bytes)-len(l.open.bytes)) + FrameOverheadBytes
	l.open.bytes = bytes
	l.openWeight += weight
	l.waitingWeight += weight
}

// push queues a body, whose data are the lane's from now on.
func (l *sendLane) push(body *outgoingBody) {
	l.waitingWeight += body.weight()
	if l.ordered || !body.isCut() {
		l.closeRun()
		l.waiting.Push(waiting{body: body})
		return
	}
	l.interleaved.Push(body)
}

// isHeldUp: what is next to be sent may not be, or is a large body, so that what waits for it need not.
func (l *sendLane) isHeldUp() bool {
	if l.windowIsFull() {
		return true
	}
	if l.waiting.Len() == 0 {
		return false
	}
	body := l.waiting.At(0).body
	return body != nil && body.isCut()
}

func (l *sendLane) windowIsFull() bool { return l.sentPosition-l.acknowledged >= l.window }

// nextBytes is how many bytes appendNext will append; 0 while there are none or the window is full. passed says how far the
// messages have been sent.
func (l *sendLane) nextBytes(passed int64) int {
	if l.resendFrom < l.sent.Len() {
		again := l.sent.At(l.resendFrom)
		if again.after > passed {
			return 0
		}
		return again.bytes()
	}
	if l.waitingWeight == 0 || l.windowIsFull() {
		return 0
	}
	if body := l.nextBody(); body != nil {
		if body.after > passed {
			return 0
		}
		return body.frameBytes(body.next)
	}
	if l.waiting.Len() > 0 {
		next := &l.waiting.At(0).run
		if next.after > passed {
			return 0
		}
		return len(next.frames)
	}
	if l.openAfter > passed {
		return 0
	}
	return len(l.open.bytes) - l.openStart
}

// nextBody is the body of which the next part is to be sent, if it is a body's turn.
func (l *sendLane) nextBody() *outgoingBody {
	othersWait := l.waiting.Len() > 0 || l.openWeight > 0
	if l.interleaved.Len() > 0 && (l.bodyIsNext || !othersWait) {
		return *l.interleaved.At(0)
	}
	if l.waiting.Len() > 0 {
		return l.waiting.At(0).body
	}
	return nil
}

// appendNext appends the next run of whole frames. The caller has seen by nextBytes that there is one.
func (l *sendLane) appendNext(dst []byte) []byte {
	if l.resendFrom == l.sent.Len() {
		next := l.takeWaiting()
		l.waitingWeight -= next.weight
		l.sentPosition += next.weight
		next.end = l.sentPosition
		l.sent.Push(next)
	}
	next := l.sent.At(l.resendFrom)
	l.resendFrom++
	if next.body != nil {
		return next.body.appendFrame(dst, next.index)
	}
	return append(dst, next.frames...)
}

func (l *sendLane) takeWaiting() run {
	body := l.nextBody()
	interleaved := body != nil && l.interleaved.Len() > 0 && body == *l.interleaved.At(0)
	l.bodyIsNext = !interleaved
	if body != nil {
		return l.takePart(body, interleaved)
	}
	if l.waiting.Len() == 0 {
		return l.cutRun()
	}
	return l.waiting.Pop().run
}

func (l *sendLane) takePart(body *outgoingBody, interleaved bool) run {
	part := run{body: body, index: body.next, after: body.after}
	part.weight = int64(body.frameBytes(body.next)) + FrameOverheadBytes
	body.next++
	done := body.next == body.parts()
	if !interleaved {
		if done {
			l.waiting.Pop()
		}
		return part
	}
	l.interleaved.Pop()
	if !done {
		l.interleaved.Insert(min(maxBodiesUnderWay-1, l.interleaved.Len()), body)
	}
	return part
}

func (l *sendLane) closeRun() {
	if l.openWeight > 0 {
		l.waiting.Push(waiting{run: l.cutRun()})
	}
}

// cutRun is the open run, of which there is something.
func (l *sendLane) cutRun() run {
	cut := run{frames: l.open.bytes[l.openStart:], slab: l.open, weight: l.openWeight, after: l.openAfter}
	l.open.runs++
	l.openStart = len(l.open.bytes)
	l.openWeight = 0
	return cut
}

func (l *sendLane) renewSlab(count int) {
	l.closeRun()
	l.openStart = 0
	wanted := max(count, minSlabBytes)
	if l.open != nil {
		// The busier the lane, the larger the slab; a quiet one holds little.
		wanted = max(wanted, min(2*cap(l.open.bytes), maxSlabBytes))
		if l.open.runs == 0 && cap(l.open.bytes) >= wanted {
			l.open.bytes = l.open.bytes[:0]
			return
		}
	}
	if l.spare != nil && cap(l.spare.bytes) >= wanted {
		l.open, l.spare = l.spare, nil
		return
	}
	l.open = &slab{bytes: make([]byte, 0, wanted)}
}

// retire gives back the memory of a run that nobody will ask for any more.
func (l *sendLane) retire(retired *run) {
	if retired.slab == nil {
		return
	}
	retired.slab.runs--
	if retired.slab.runs == 0 && retired.slab != l.open {
		retired.slab.bytes = retired.slab.bytes[:0]
		l.spare = retired.slab
	}
}

// runAt is the index of the first run that ends after that position, or how many there are.
func (l *sendLane) runAt(position int64) int {
	index := 0
	for index < l.sent.Len() && l.sent.At(index).end <= position {
		index++
	}
	return index
}

// endsFrame reports whether a frame ends at that position, which was sent, and is not before the acknowledged one.
func (l *sendLane) endsFrame(position int64) bool {
	index := l.runAt(position)
	if index == l.sent.Len() {
		return position == l.sentPosition
	}
	found := l.sent.At(index)
	if found.body != nil || position <= found.end-found.weight {
		return position == found.end-found.weight
	}
	return l.walk(found, position).position == position
}

// walk passes the run's frames up to that position, and gives the end of the first that does not end before it. Each frame is
// passed once, however many acknowledgements its run gets.
func (l *sendLane) walk(along *run, position int64) place {
	at := place{runEnd: along.end, position: along.end - along.weight}
	if l.place.runEnd == along.end && l.place.position <= position {
		at = l.place
	}
	for at.position < position {
		frameBytes := wire.FrameBytes(along.frames[at.offset:])
		at.offset += frameBytes
		at.position += int64(frameBytes) + FrameOverheadBytes
	}
	l.place = at
	return at
}

// acknowledge: the peer has consumed everything before position, which the caller has checked.
func (l *sendLane) acknowledge(position int64) {
	l.acknowledged = position
	for l.sent.Len() > 0 && l.sent.At(0).end <= position {
		done := l.sent.Pop()
		l.retire(&done)
		l.resendFrom = max(0, l.resendFrom-1)
	}
}

// canRewind reports whether the lane can go on at that position.
func (l *sendLane) canRewind(position int64) bool {
	return position >= l.acknowledged && position <= l.sentPosition &&
		(position == l.acknowledged || l.endsFrame(position))
}

// rewind goes back to the position up to which the peer has received. The caller has seen that this can be done.
func (l *sendLane) rewind(position int64) {
	index := l.runAt(position)
	if index < l.sent.Len() && l.sent.At(index).end-l.sent.At(index).weight < position {
		l.splitRun(index, position)
		index++
	}
	l.resendFrom = index
}

// splitRun makes two runs of one, so that the second begins at that position, at which a frame ends.
func (l *sendLane) splitRun(index int, position int64) {
	whole := *l.sent.At(index)
	offset := l.walk(&whole, position).offset
	first, second := whole, whole
	first.frames, first.end = whole.frames[:offset], position
	first.weight = whole.weight - (whole.end - position)
	second.frames, second.weight = whole.frames[offset:], whole.end-position
	whole.slab.runs++
	*l.sent.At(index) = second
	l.sent.Insert(index, first)
	l.place = place{}
}

// drain empties the lane: what was sent, in part at least, and not acknowledged, and what was not sent at all.
func (l *sendLane) drain() (sent, unsent []leftover) {
	l.closeRun()
	var last *outgoingBody
	for l.sent.Len() > 0 {
		next := l.sent.Pop()
		if next.body == nil || next.body != last && !contains(sent, next.body) {
			sent = append(sent, leftover{frames: next.frames, body: next.body})
		}
		last = next.body
	}
	for l.waiting.Len() > 0 {
		next := l.waiting.Pop()
		unsent = append(unsent, leftover{frames: next.run.frames, body: next.body})
	}
	for l.interleaved.Len() > 0 {
		unsent = append(unsent, leftover{body: l.interleaved.Pop()})
	}
	kept := unsent[:0]
	for _, left := range unsent {
		switch {
		case left.body == nil || left.body.next == 0:
			kept = append(kept, left)
		case !contains(sent, left.body):
			sent = append(sent, left)
		}
	}
	l.resendFrom, l.waitingWeight, l.acknowledged, l.place = 0, 0, l.sentPosition, place{}
	return sent, kept
}
