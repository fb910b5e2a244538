package session

import (
	"encoding/binary"
	"fmt"

	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

// EventKind is what a peer's frame says to the application.
type EventKind int

const (
	NoEvent EventKind = iota
	MessageEvent
	RequestEvent
	AnswerEvent
	FailureEvent
	CancelEvent
	// StreamEvent: the peer has opened one.
	StreamEvent
	ItemEvent
	// StreamEndEvent: the peer sends no more items in it.
	StreamEndEvent
	// StreamResetEvent: it is over.
	StreamResetEvent
	// StopSendingEvent: the peer wants no more items, so this end's direction has ended.
	StopSendingEvent
	// CreditEvent: there is credit for items again, after there was none.
	CreditEvent
)

// Event is what a peer's frame says. Data are the application's own.
type Event struct {
	Kind     EventKind
	ID, Type uint32
	Data     []byte
	// Memory is that of the data, if the application may return it.
	Memory *Memory
	// Code and Text are those of a failure or a reset. Data of a failure are nil if it has none.
	Code, Text string
	// IsAdmin: the request is to the library itself, and Type is its operation.
	IsAdmin bool
	// Trace is that of a request or an opened stream; nil if it belongs to none.
	Trace *wire.TraceContext
	// Weight is what an item counts for in its stream's window.
	Weight int64
	// Position is what the application says when it has consumed a message or request.
	Position int64
}

// incoming is what this end receives: the lanes, and the frames in them.
type incoming struct {
	maxMessageBytes int
	lanes           [laneCount]receiveLane
	bodies          [laneCount]incomingBodies
	memory          arena
	// features are those of both ends, without those that the peer may not use.
	features wire.Features
	context  contextAhead
	// streams is nil unless both ends have them.
	streams *incomingStreams
}

func newIncoming(maxMessageBytes int, windows [wire.LanesOfAll]uint32) incoming {
	in := incoming{maxMessageBytes: maxMessageBytes}
	for index := range in.bodies {
		in.bodies[index] = incomingBodies{maxMessageBytes: maxMessageBytes, maxUnderWay: maxBodiesUnderWay}
	}
	for index, window := range windows {
		in.lanes[index].window = int64(window)
	}
	in.bodies[messages].maxUnderWay, in.bodies[streams].maxUnderWay = 1, 1
	return in
}

func (in *incoming) any(is func(*receiveLane) bool) bool {
	return is(&in.lanes[messages]) || is(&in.lanes[requests]) || is(&in.lanes[answers]) || is(&in.lanes[streams])
}

// allConsumed leaves out the lane of streams, in which all is consumed when it arrives.
func (in *incoming) allConsumed() bool {
	return in.lanes[messages].held == 0 && in.lanes[requests].held == 0 && in.lanes[answers].held == 0
}

// receive reads a frame of one of the lanes, and leaves in event what it completes.
func (in *incoming) receive(frame []byte, event *Event) error {
	kind, body := wire.Kind(frame[0]), frame[wire.FrameHeaderBytes:]
	event.Kind = NoEvent
	fixed, ok := fixedBytes(kind)
	if !ok {
		return wire.InvalidFrame(fmt.Sprintf("a frame of the unknown kind 0x%02x", byte(kind)))
	}
	if len(body) < fixed {
		return wire.InvalidFrame(fmt.Sprintf("a frame of kind 0x%02x that is too short", byte(kind)))
	}
	lane := laneOf(kind)
	if needs := featureOf(kind); in.features&needs != needs {
		return wire.InvalidFrame("a frame of a feature that was not agreed on")
	}
	if kind == wire.KindMessage && len(in.bodies[messages].underWay) > 0 {
		return wire.InvalidFrame("a message within another")
	}
	if err := in.lanes[lane].receive(len(frame)); err != nil {
		return err
	}
	if lane == streams {
		return in.streamFrame(kind, body, event)
	}
	return in.read(kind, body, event)
}

func laneOf(kind wire.Kind) int {
	return int(kind>>4) - 1
}

// featureOf is what both ends need to have for a frame of that kind.
func featureOf(kind wire.Kind) wire.Features {
	switch {
	case kind == wire.KindRequestContext:
		return wire.FeatureContext
	case kind == wire.KindAdminRequest:
		return wire.FeatureAdmin
	case kind == wire.KindStreamContext:
		return wire.FeatureContext | wire.FeatureStreams
	case kind == wire.KindFailureWithData:
		return wire.FeatureFailureData
	case kind >= wire.KindStreamOpen:
		return wire.FeatureStreams
	default:
		return 0
	}
}

// fixedBytes are those of a kind's fixed fields; false if the lanes have no such kind.
func fixedBytes(kind wire.Kind) (int, bool) {
	switch kind {
	case wire.KindMessagePart, wire.KindStreamPart:
		return 0, true
	case wire.KindMessage, wire.KindAnswer, wire.KindRequestPart, wire.KindAnswerPart, wire.KindCancel,
		wire.KindItem, wire.KindStreamEnd, wire.KindStopSending:
		return 4, true
	case wire.KindAdminRequest:
		return 5, true
	case wire.KindFailure, wire.KindStreamReset:
		return 6, true
	case wire.KindRequest, wire.KindMessageStart, wire.KindAnswerStart, wire.KindFailureWithData, wire.KindStreamOpen,
		wire.KindItemStart:
		return 8, true
	case wire.KindRequestStart, wire.KindStreamOpenStart, wire.KindStreamCredit:
		return 12, true
	case wire.KindRequestContext, wire.KindStreamContext:
		return 30, true
	default:
		return 0, false
	}
}

func (in *incoming) read(kind wire.Kind, body []byte, event *Event) error {
	number := func(index int) uint32 { return binary.BigEndian.Uint32(body[4*index:]) }
	switch kind {
	case wire.KindMessage:
		return in.whole(event, MessageEvent, 0, number(0), body[4:])
	case wire.KindMessageStart:
		return in.start(messages, 0, number(0), number(1), body[8:])
	case wire.KindMessagePart:
		return in.part(messages, event, 0, body)
	case wire.KindRequest, wire.KindRequestStart, wire.KindRequestPart, wire.KindRequestContext:
		return in.requestFrame(kind, body, event)
	case wire.KindAdminRequest:
		return in.adminRequest(body, event)
	case wire.KindAnswer:
		return in.whole(event, AnswerEvent, number(0), 0, body[4:])
	case wire.KindAnswerStart:
		return in.start(answers, number(0), 0, number(1), body[8:])
	case wire.KindAnswerPart:
		return in.part(answers, event, number(0), body[4:])
	case wire.KindFailure:
		return readFailure(body, event)
	case wire.KindFailureWithData:
		return in.failureWithData(body, event)
	default:
		*event = Event{Kind: CancelEvent, ID: number(0)}
		return nil
	}
}

func (in *incoming) requestFrame(kind wire.Kind, body []byte, event *Event) error {
	number := func(index int) uint32 { return binary.BigEndian.Uint32(body[4*index:]) }
	switch kind {
	case wire.KindRequestContext:
		return in.context.arrived(body)
	case wire.KindRequestPart:
		if err := in.context.checkNone(); err != nil {
			return err
		}
		return in.part(requests, event, number(0), body[4:])
	}
	trace, err := in.context.take(number(0))
	if err != nil {
		return err
	}
	if kind == wire.KindRequest {
		err = in.whole(event, RequestEvent, number(0), number(1), body[8:])
		event.Trace = trace
		return err
	}
	err = in.start(requests, number(0), number(1), number(2), body[12:])
	if underWay := in.bodies[requests].underWay; err == nil {
		underWay[len(underWay)-1].trace = trace
	}
	return err
}

func (in *incoming) adminRequest(body []byte, event *Event) error {
	if err := in.context.checkNone(); err != nil {
		return err
	}
	data := body[5:]
	if len(data) > wire.MaxAdminBytes {
		return wire.InvalidFrame("a request to the library that is too long")
	}
	*event = Event{Kind: RequestEvent, IsAdmin: true, ID: binary.BigEndian.Uint32(body), Type: uint32(body[4])}
	event.Data, _ = in.memory.clone(data)
	event.Position = in.lanes[requests].hold()
	return nil
}

func (in *incoming) start(lane int, id, bodyType, total uint32, data []byte) error {
	if lane != answers && bodyType == 0 {
		return wire.InvalidFrame("a large message of type 0")
	}
	return in.bodies[lane].start(id, bodyType, total, data, &in.memory)
}

func (in *incoming) part(lane int, event *Event, id uint32, data []byte) error {
	body, err := in.bodies[lane].part(id, data)
	if body == nil {
		return err
	}
	*event = Event{Kind: MessageEvent + EventKind(lane), ID: body.id, Type: body.bodyType, Data: body.data, Trace: body.trace}
	event.Memory = in.memory.lend(body.data)
	if lane != answers {
		event.Position = in.lanes[lane].hold()
	}
	return nil
}

func (in *incoming) whole(event *Event, kind EventKind, id, msgType uint32, data []byte) error {
	if err := in.checkSize(data); err != nil {
		return err
	}
	if kind != AnswerEvent && msgType == 0 {
		return wire.InvalidFrame("a message of type 0")
	}
	*event = Event{Kind: kind, ID: id, Type: msgType}
	event.Data, event.Memory = in.memory.clone(data)
	if kind != AnswerEvent {
		event.Position = in.lanes[kind-MessageEvent].hold()
	}
	return nil
}

func (in *incoming) checkSize(data []byte) error {
	if len(data) > in.maxMessageBytes {
		return fault.New(fault.PeerMessageTooLarge, "the peer sent a message of %d bytes, over its limit of %d", len(data), in.maxMessageBytes)
	}
	return nil
}

// failureWithData has the length of its message between the code and that, and the data at its end.
func (in *incoming) failureWithData(body []byte, event *Event) error {
	codeEnd := 5 + int(body[4])
	if codeEnd+2 > len(body) {
		return wire.InvalidFrame("a failure that is cut short")
	}
	textEnd := codeEnd + 2 + int(binary.BigEndian.Uint16(body[codeEnd:]))
	if textEnd > len(body) {
		return wire.InvalidFrame("a failure whose message is cut short")
	}
	data, _ := in.memory.clone(body[textEnd:])
	if err := readFailure(append(body[:codeEnd:codeEnd], body[codeEnd+2:textEnd]...), event); err != nil {
		return err
	}
	event.Data = data
	return nil
}

// readFailure reads what has an id, a code and a message.
func readFailure(body []byte, event *Event) error {
	codeEnd := 5 + int(body[4])
	if codeEnd > len(body) || !wire.IsFailureCode(string(body[5:codeEnd])) {
		return wire.InvalidFrame("a failure without a code")
	}
	*event = Event{
		Kind: FailureEvent, ID: binary.BigEndian.Uint32(body), Code: string(body[5:codeEnd]),
		Text: wire.Text(body[codeEnd:]),
	}
	return nil
}
