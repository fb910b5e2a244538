package session

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"sealpipe/internal/wire"
)

const (
	messages = iota
	requests
	answers
	laneCount
)

var (
	messageKinds = bodyKinds{wire.KindMessage, wire.KindMessageStart, wire.KindMessagePart, 0}
	requestKinds = bodyKinds{wire.KindRequest, wire.KindRequestStart, wire.KindRequestPart, 1}
	answerKinds  = bodyKinds{wire.KindAnswer, wire.KindAnswerStart, wire.KindAnswerPart, 1}
)

// recordRoomBytes is what the lanes' frames may have of a record: the rest is for frames about the connection.
const recordRoomBytes = wire.MaxRecordBytes - 1_024

// outgoing is what this end sends: the three lanes, and the frames that are written into them. Callers have checked types
// and sizes; nothing of data is needed after a call.
type outgoing struct {
	lanes [laneCount]sendLane
	// firstLane comes first in the next record.
	firstLane int
}

func (o *outgoing) queuedBytes() int64 {
	return o.lanes[messages].queuedBytes() + o.lanes[requests].queuedBytes() + o.lanes[answers].queuedBytes()
}

func (o *outgoing) unsentBytes() int64 {
	return o.lanes[messages].waitingWeight + o.lanes[requests].waitingWeight + o.lanes[answers].waitingWeight
}

func (o *outgoing) allSent() bool {
	return o.lanes[messages].allSent() && o.lanes[requests].allSent() && o.lanes[answers].allSent()
}

func (o *outgoing) message(msgType uint32, data []byte) {
	lane := &o.lanes[messages]
	if wire.FrameHeaderBytes+4+len(data) > maxSharedBytes {
		lane.push(&outgoingBody{kinds: messageKinds, fields: []uint32{msgType}, data: bytes.Clone(data)})
		return
	}
	frame := lane.frame(wire.KindMessage, 4+len(data), 0)
	frame = binary.BigEndian.AppendUint32(frame, msgType)
	lane.commit(append(frame, data...))
}

// request, like what goes out in the lane of answers, is sent after all messages that were written before it, unless a large one
// or a full window holds them up.
func (o *outgoing) request(id, requestType uint32, data []byte) {
	lane, after := &o.lanes[requests], o.lanes[messages].writtenPosition()
	if wire.FrameHeaderBytes+8+len(data) > maxSharedBytes {
		lane.push(&outgoingBody{
			kinds: requestKinds, fields: []uint32{id, requestType}, data: bytes.Clone(data), after: after,
		})
		return
	}
	frame := lane.frame(wire.KindRequest, 8+len(data), after)
	frame = binary.BigEndian.AppendUint32(frame, id)
	frame = binary.BigEndian.AppendUint32(frame, requestType)
	lane.commit(append(frame, data...))
}

func (o *outgoing) answer(id uint32, data []byte) {
	lane, after := &o.lanes[answers], o.lanes[messages].writtenPosition()
	if wire.FrameHeaderBytes+4+len(data) > maxSharedBytes {
		lane.push(&outgoingBody{kinds: answerKinds, fields: []uint32{id}, data: bytes.Clone(data), after: after})
		return
	}
	frame := lane.frame(wire.KindAnswer, 4+len(data), after)
	frame = binary.BigEndian.AppendUint32(frame, id)
	lane.commit(append(frame, data...))
}

// failure has a code that IsFailureCode; of the message no more is sent than fits into a frame that shares its memory.
func (o *outgoing) failure(id uint32, code, message string) {
	message = truncate(message, maxSharedBytes-256)
	lane, after := &o.lanes[answers], o.lanes[messages].writtenPosition()
	frame := lane.frame(wire.KindFailure, 5+len(code)+len(message), after)
	frame = append(binary.BigEndian.AppendUint32(frame, id), byte(len(code)))
	lane.commit(append(append(frame, code...), message...))
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

// appendFrames appends runs of the lanes' frames to a record, as many as fit: messages, then requests, then answers. A lane
// that had to wait for an earlier one comes first in the next record, which then has none of the earlier ones.
func (o *outgoing) appendFrames(dst []byte) []byte {
	start := len(dst)
	dst, appended := o.appendFrom(o.firstLane, dst)
	if len(dst) == start && o.firstLane != messages {
		o.firstLane = messages
		dst, appended = o.appendFrom(messages, dst)
	}
	first := o.firstLane
	o.firstLane = messages
	for step := 1; step < laneCount; step++ {
		index := (first + step) % laneCount
		if !appended[index] && o.nextBytes(index) > 0 {
			o.firstLane = index
			break
		}
	}
	return dst
}

func (o *outgoing) appendFrom(first int, dst []byte) ([]byte, [laneCount]bool) {
	room := recordRoomBytes
	var appended [laneCount]bool
	for index := first; index < laneCount; index++ {
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
