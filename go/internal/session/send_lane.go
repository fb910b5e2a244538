// Package session is everything between two native ends that is not settled yet: lanes with their positions and
// windows, bodies under way, request ids. It outlives the connection, so that another one can go on where the first
// broke. It does no I/O, reads no clock and starts no goroutine; its user holds a lock around it.
//
// Source: spec/protocol.md, "Lanes", "Large bodies", "Requests" and "Resume".
package session

import (
	"sealpipe/internal/fifo"
	"sealpipe/internal/wire"
)

const (
	// FrameOverheadBytes is added to a lane's position for each frame, besides its bytes.
	FrameOverheadBytes = 64
	// maxBodiesUnderWay bounds the large bodies of a lane whose parts are on their way at the same time.
	maxBodiesUnderWay = 4

	minSlabBytes = 2_048
	// maxSlabBytes is half of the room that a record has for the frames of lanes.
	maxSlabBytes = (wire.FrameHeaderBytes + wire.MaxBodyBytes) / 2
	// maxSharedBytes: a longer frame has memory of its own.
	maxSharedBytes = 16_384
	// maxSpares bounds what a busy lane keeps of the memory of acknowledged bodies, of maxSpareBytes each.
	maxSpares     = 8
	maxSpareBytes = 131_072
)

// slab is memory that frames are written into, one after the other.
type slab struct {
	bytes []byte
	// runs counts the runs in it that may have to be sent again.
	runs int
}

// run is one or more whole frames of a lane that leave in one record.
type run struct {
	frames []byte
	slab   *slab
	// body is what the run is a part of, the index-th, if that is a body of its own: its frame is made as it leaves, unless
	// it is in frames, as another is ahead of it.
	body   *outgoingBody
	index  int
	weight int64
	// end is the lane's position after it, once it was sent.
	end int64
	// after is how far the messages have to be sent before it, as they were written before it.
	after int64
}

func (r *run) bytes() int {
	if r.frames == nil {
		return r.body.frameBytes(r.index)
	}
	return len(r.frames)
}

// waiting is one of the two: a run of whole frames, or a body.
type waiting struct {
	run  run
	body *outgoingBody
}

// sendLane is one direction of one lane: frames that wait, and frames that were sent and are not acknowledged.
type sendLane struct {
	// ordered: bodies of several frames keep their place among the other frames; otherwise they alternate with them.
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
	// spares are memory of bodies that are acknowledged.
	spares [][]byte

	waitingWeight int64
	sentPosition  int64
	acknowledged  int64
	// window is how far after the acknowledged position the peer lets this end send.
	window int64
	place  place
}

// queuedBytes is the weight of what waits, or is sent and not acknowledged.
func (l *sendLane) queuedBytes() int64 { return l.waitingWeight + l.sentPosition - l.acknowledged }

// writtenPosition is where the lane will be once all that waits was sent.
func (l *sendLane) writtenPosition() int64 { return l.sentPosition + l.waitingWeight }

// allSent reports whether everything was sent, also on this connection. Not all of it need be acknowledged.
func (l *sendLane) allSent() bool { return l.waitingWeight == 0 && l.resendFrom == l.sent.Len() }

// frame is room for a frame of that kind and body length in the open slab, to which the caller appends the body, and
// which it gives back by commit. after is the position of the messages before which it may not be sent.
func (l *sendLane) frame(kind wire.Kind, bodyBytes int, after int64) []byte {
	l.makeRoom(wire.FrameHeaderBytes+bodyBytes, after)
	return wire.AppendFrameHeader(l.open.bytes, kind, bodyBytes)
}

// makeRoom has the frames that are written next, of count bytes together, leave in one run.
func (l *sendLane) makeRoom(count int, after int64) {
	if l.open == nil || cap(l.open.bytes)-len(l.open.bytes) < count {
		l.renewSlab(count)
	}
	if after != l.openAfter {
		l.closeRun()
		l.openAfter = after
	}
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

// isHeldUp reports whether the next frame may not be sent yet, or belongs to a large body: then nothing waits for it.
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
		return body.runBytes(body.next)
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
	next := l.takeNext()
	if next.frames == nil {
		return next.body.appendFrame(dst, next.index)
	}
	return append(dst, next.frames...)
}

// takeNext is the next run, which then counts as sent.
func (l *sendLane) takeNext() *run {
	if l.resendFrom == l.sent.Len() {
		next := l.takeWaiting()
		l.waitingWeight -= next.weight
		l.sentPosition += next.weight
		next.end = l.sentPosition
		l.sent.Push(next)
	}
	l.resendFrom++
	return l.sent.At(l.resendFrom - 1)
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
	part.weight = body.weightOf(body.next)
	if body.next == 0 && len(body.ahead) > 0 {
		part.frames = body.appendFrame(body.ahead, 0)
	}
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
		// The busier the lane, the larger the slab; an idle lane has a small one.
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

// newBody is a body with a copy of data, which the lane owns.
func (l *sendLane) newBody(kinds bodyKinds, fields []uint32, data []byte) *outgoingBody {
	last := len(l.spares) - 1
	var memory []byte
	if last >= 0 && cap(l.spares[last]) >= headRoomBytes+len(data) {
		memory = append(l.spares[last][:headRoomBytes], data...)
		l.spares = l.spares[:last]
	} else {
		// Memory that append makes is not cleared first.
		var head [headRoomBytes]byte
		memory = append(head[:], data...)
	}
	return &outgoingBody{kinds: kinds, fields: fields, memory: memory, data: memory[headRoomBytes:]}
}
