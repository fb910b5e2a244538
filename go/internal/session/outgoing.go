package session

import (
	"encoding/binary"
	"unicode/utf8"

	"sealpipe/internal/wire"
)

const (
	messages = iota
	requests
	answers
	streams
	laneCount
)

var (
	messageKinds = bodyKinds{wire.KindMessage, wire.KindMessageStart, wire.KindMessagePart, 0}
	requestKinds = bodyKinds{wire.KindRequest, wire.KindRequestStart, wire.KindRequestPart, 1}
	answerKinds  = bodyKinds{wire.KindAnswer, wire.KindAnswerStart, wire.KindAnswerPart, 1}
)

// recordRoomBytes is what the lanes' frames may have of a record: the rest is for frames about the connection.
const recordRoomBytes = wire.MaxRecordBytes - 1_024

// maxFailureTextBytes is the most that is sent of the message of a failure or a reset.
const maxFailureTextBytes = maxSharedBytes - 256

// outgoing is what this end sends: the lanes, and the frames that are written into those of messages, requests and answers.
// Callers have checked types and sizes; nothing of data is needed after a call.
type outgoing struct {
	lanes [laneCount]sendLane
	// firstLane comes first in the next record.
	firstLane int
	// lent is the body whose frame is being sealed from its memory.
	lent []*outgoingBody
}

func (o *outgoing) queuedBytes() (bytes int64) {
	for index := range o.lanes {
		bytes += o.lanes[index].queuedBytes()
	}
	return bytes
}

func (o *outgoing) unsentBytes() (bytes int64) {
	for index := range o.lanes {
		bytes += o.lanes[index].waitingWeight
	}
	return bytes
}

func (o *outgoing) allSent() bool {
	for index := range o.lanes {
		if !o.lanes[index].allSent() {
			return false
		}
	}
	return true
}

func (o *outgoing) canSend() bool {
	if o.allSent() {
		return false
	}
	for index := range o.lanes {
		if o.nextBytes(index) > 0 {
			return true
		}
	}
	return false
}

func (o *outgoing) message(msgType uint32, data []byte) {
	lane := &o.lanes[messages]
	if wire.FrameHeaderBytes+4+len(data) > maxSharedBytes {
		lane.push(lane.newBody(messageKinds, []uint32{msgType}, data))
		return
	}
	frame := lane.frame(wire.KindMessage, 4+len(data), 0)
	frame = binary.BigEndian.AppendUint32(frame, msgType)
	lane.commit(append(frame, data...))
}

// request, like what leaves in the lane of answers, is sent after all messages that were written before it, unless a large one
// or a full window holds them up.
func (o *outgoing) request(r *Request) {
	var ahead []byte
	if r.Trace != nil {
		ahead = r.Trace.Frame(wire.KindRequestContext, r.ID)
	}
	o.lanes[requests].begin(requestKinds, r, ahead, o.lanes[messages].writtenPosition())
}

func (o *outgoing) admin(id uint32, operation wire.Operation, data []byte) {
	lane, after := &o.lanes[requests], o.lanes[messages].writtenPosition()
	frame := binary.BigEndian.AppendUint32(lane.frame(wire.KindAdminRequest, 5+len(data), after), id)
	lane.commit(append(append(frame, byte(operation)), data...))
}

// begin writes a request, or the opening of a stream, after the frame that is ahead of it, if there is one.
func (l *sendLane) begin(kinds bodyKinds, r *Request, ahead []byte, after int64) {
	if wire.FrameHeaderBytes+8+len(r.Data) > maxSharedBytes {
		body := l.newBody(kinds, []uint32{r.ID, r.Type}, r.Data)
		body.ahead, body.after = ahead, after
		l.push(body)
		return
	}
	if len(ahead) > 0 {
		l.makeRoom(len(ahead)+wire.FrameHeaderBytes+8+len(r.Data), after)
		l.commit(append(l.open.bytes, ahead...))
	}
	frame := l.frame(kinds.whole, 8+len(r.Data), after)
	frame = binary.BigEndian.AppendUint32(frame, r.ID)
	frame = binary.BigEndian.AppendUint32(frame, r.Type)
	l.commit(append(frame, r.Data...))
}

func (o *outgoing) answer(id uint32, data []byte) {
	lane, after := &o.lanes[answers], o.lanes[messages].writtenPosition()
	if wire.FrameHeaderBytes+4+len(data) > maxSharedBytes {
		body := lane.newBody(answerKinds, []uint32{id}, data)
		body.after = after
		lane.push(body)
		return
	}
	frame := lane.frame(wire.KindAnswer, 4+len(data), after)
	frame = binary.BigEndian.AppendUint32(frame, id)
	lane.commit(append(frame, data...))
}

// failure has a code that IsFailureCode; of the message no more is sent than fits into a frame that shares its memory.
func (o *outgoing) failure(id uint32, code, message string) {
	message = truncate(message, maxFailureTextBytes)
	lane, after := &o.lanes[answers], o.lanes[messages].writtenPosition()
	frame := lane.frame(wire.KindFailure, 5+len(code)+len(message), after)
	frame = append(binary.BigEndian.AppendUint32(frame, id), byte(len(code)))
	lane.commit(append(append(frame, code...), message...))
}

// failureWithData is the same, with at most MaxFailureDataBytes.
func (o *outgoing) failureWithData(id uint32, code, message string, data []byte) {
	message = truncate(message, maxFailureTextBytes)
	lane, after := &o.lanes[answers], o.lanes[messages].writtenPosition()
	frame := lane.frame(wire.KindFailureWithData, 7+len(code)+len(message)+len(data), after)
	frame = append(binary.BigEndian.AppendUint32(frame, id), byte(len(code)))
	frame = binary.BigEndian.AppendUint16(append(frame, code...), uint16(len(message)))
	lane.commit(append(append(frame, message...), data...))
}

// truncate keeps as many whole characters as fit.
func truncate(text string, maxBytes int) string {
	if len(text) <= maxBytes {
		return text
	}
	for maxBytes > 0 && !utf8.RuneStart(text[maxBytes]) {
		maxBytes--
	}
	return text[:maxBytes]
}

func (o *outgoing) cancel(id uint32) {
	lane, after := &o.lanes[answers], o.lanes[messages].writtenPosition()
	lane.commit(binary.BigEndian.AppendUint32(lane.frame(wire.KindCancel, 4, after), id))
}

// acknowledge: the peer says how far it has consumed each lane.
func (o *outgoing) acknowledge(consumed wire.Positions) error {
	for index := range o.lanes {
		lane, position := &o.lanes[index], consumed[index]
		if position < lane.acknowledged || position > lane.sentPosition {
			return wire.InvalidFrame("an acknowledgement of what was not sent, or before an earlier one")
		}
		if position == lane.acknowledged {
			continue
		}
		if !lane.endsFrame(position) {
			return wire.InvalidFrame("an acknowledgement within a frame")
		}
		lane.acknowledge(position)
	}
	return nil
}

func (o *outgoing) checkRewind(received wire.Positions) error {
	for index := range o.lanes {
		if !o.lanes[index].canRewind(received[index]) {
			return wire.InvalidFrame("a position that this end cannot go on from")
		}
	}
	return nil
}

func (o *outgoing) rewind(received wire.Positions) {
	for index := range o.lanes {
		o.lanes[index].rewind(received[index])
	}
}

// messagesPassed is how far messages count as sent for what was written after them: all of them do if they are held up.
func (o *outgoing) messagesPassed() int64 {
	lane := &o.lanes[messages]
	if lane.resendFrom < lane.sent.Len() {
		again := lane.sent.At(lane.resendFrom)
		return again.end - again.weight
	}
	if lane.isHeldUp() {
		return wire.MaxPosition
	}
	return lane.sentPosition
}

// appendFrames appends runs of the lanes' frames to a record, as many as fit: messages, then requests, then answers, then
// streams. A lane that had to wait for an earlier one comes first in the next record, which then has none of the earlier ones.
func (o *outgoing) appendFrames(dst []byte) []byte {
	start := len(dst)
	dst, appended := o.appendFrom(o.firstLane, dst)
	if len(dst) == start && o.firstLane != messages {
		o.firstLane = messages
		dst, appended = o.appendFrom(messages, dst)
	}
	o.passTurn(appended)
	return dst
}

// passTurn has a lane that had to wait for an earlier one come first in the next record.
func (o *outgoing) passTurn(appended [laneCount]bool) {
	first := o.firstLane
	o.firstLane = messages
	if o.allSent() {
		return
	}
	for step := 1; step < laneCount; step++ {
		index := (first + step) % laneCount
		if !appended[index] && o.nextBytes(index) > 0 {
			o.firstLane = index
			return
		}
	}
}

// lendFrame is a whole frame that is to be the only one of its record, if the next is a large one: it is in the memory of its
// body, which stays as it is until returnFrames. Otherwise it is nil.
func (o *outgoing) lendFrame() []byte {
	if o.unsentBytes() < maxSharedBytes {
		return nil
	}
	index := o.firstLane
	for index < laneCount && o.nextBytes(index) == 0 {
		index++
	}
	if index == laneCount {
		o.firstLane, index = messages, messages
	}
	lane := &o.lanes[index]
	if lane.resendFrom < lane.sent.Len() || o.nextBytes(index) == 0 {
		return nil
	}
	body := lane.nextBody()
	if body == nil || body.isCut() || len(body.ahead) > 0 {
		return nil
	}
	lane.takeNext()
	body.lent = true
	o.lent = append(o.lent, body)
	o.firstLane = index
	var appended [laneCount]bool
	appended[index] = true
	o.passTurn(appended)
	return body.wholeFrame()
}

// returnFrames: what was lent is sealed.
func (o *outgoing) returnFrames() {
	for _, body := range o.lent {
		body.lent = false
	}
	o.forgetLent()
}

// forgetLent: what was lent may be in use for ever, so its memory is not used again.
func (o *outgoing) forgetLent() {
	clear(o.lent)
	o.lent = o.lent[:0]
}

func (o *outgoing) appendFrom(first int, dst []byte) ([]byte, [laneCount]bool) {
	room := recordRoomBytes
	var appended [laneCount]bool
	for index := first; index < laneCount; index++ {
		if o.lanes[index].allSent() {
			continue
		}
		for next := o.nextBytes(index); next > 0 && next <= room; next = o.nextBytes(index) {
			dst = o.lanes[index].appendNext(dst)
			room -= next
			appended[index] = true
		}
	}
	return dst, appended
}

func (o *outgoing) nextBytes(index int) int {
	if index == messages {
		return o.lanes[index].nextBytes(0)
	}
	return o.lanes[index].nextBytes(o.messagesPassed())
}
