package session

import (
	"encoding/binary"
	"fmt"
	"strings"

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
)

// Event is what a peer's frame says. Data are the application's own.
type Event struct {
	Kind     EventKind
	ID, Type uint32
	Data     []byte
	// Code and Text are a failure's.
	Code, Text string
	// Position is what the application says when it has consumed a message or request.
	Position int64
}

// incoming is what this end receives: the three lanes, and the frames in them.
type incoming struct {
	maxMessageBytes int
	lanes           [laneCount]receiveLane
	bodies          [laneCount]incomingBodies
	memory          arena
}

func newIncoming(maxMessageBytes int, windows [laneCount]uint32) incoming {
	in := incoming{maxMessageBytes: maxMessageBytes}
	for index := range in.lanes {
		in.lanes[index].window = int64(windows[index])
		in.bodies[index] = incomingBodies{maxMessageBytes: maxMessageBytes, maxUnderWay: maxBodiesUnderWay}
	}
	in.bodies[messages].maxUnderWay = 1
	return in
}

func (in *incoming) any(is func(*receiveLane) bool) bool {
	return is(&in.lanes[messages]) || is(&in.lanes[requests]) || is(&in.lanes[answers])
}

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
	if kind == wire.KindMessage && len(in.bodies[messages].underWay) > 0 {
		return wire.InvalidFrame("a message within another")
	}
	if err := in.lanes[lane].receive(len(frame)); err != nil {
		return err
	}
	return in.read(kind, body, event)
}

func laneOf(kind wire.Kind) int {
	return int(kind>>4) - 1
}

// fixedBytes are those of a kind's fixed fields; false if the lanes have no such kind.
func fixedBytes(kind wire.Kind) (int, bool) {
	switch kind {
	case wire.KindMessagePart:
		return 0, true
	case wire.KindMessage, wire.KindAnswer, wire.KindRequestPart, wire.KindAnswerPart, wire.KindCancel:
		return 4, true
	case wire.KindFailure:
		return 6, true
	case wire.KindRequest, wire.KindMessageStart, wire.KindAnswerStart:
		return 8, true
	case wire.KindRequestStart:
		return 12, true
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
	case wire.KindRequest:
		return in.whole(event, RequestEvent, number(0), number(1), body[8:])
	case wire.KindRequestStart:
		return in.start(requests, number(0), number(1), number(2), body[12:])
	case wire.KindRequestPart:
		return in.part(requests, event, number(0), body[4:])
	case wire.KindAnswer:
		return in.whole(event, AnswerEvent, number(0), 0, body[4:])
	case wire.KindAnswerStart:
		return in.start(answers, number(0), 0, number(1), body[8:])
	case wire.KindAnswerPart:
		return in.part(answers, event, number(0), body[4:])
	case wire.KindFailure:
		return readFailure(body, event)
	default:
		*event = Event{Kind: CancelEvent, ID: number(0)}
		return nil
	}
}

func (in *incoming) start(lane int, id, bodyType, total uint32, data []byte) error {
	if lane != answers && bodyType == 0 {
		return wire.InvalidFrame("a large message of type 0")
	}
	return in.bodies[lane].start(id, bodyType, total, data)
}

func (in *incoming) part(lane int, event *Event, id uint32, data []byte) error {
	body, err := in.bodies[lane].part(id, data)
	if body == nil {
		return err
	}
	*event = Event{Kind: MessageEvent + EventKind(lane), ID: body.id, Type: body.bodyType, Data: body.data}
	if lane != answers {
		event.Position = in.lanes[lane].hold()
	}
	return nil
}

func (in *incoming) whole(event *Event, kind EventKind, id, msgType uint32, data []byte) error {
	if len(data) > in.maxMessageBytes {
		return fault.New(fault.PeerMessageTooLarge, "the peer sent a message of %d bytes, over its limit of %d", len(data), in.maxMessageBytes)
	}
	if kind != AnswerEvent && msgType == 0 {
		return wire.InvalidFrame("a message of type 0")
	}
	*event = Event{Kind: kind, ID: id, Type: msgType, Data: in.memory.clone(data)}
	if kind != AnswerEvent {
		event.Position = in.lanes[kind-MessageEvent].hold()
	}
	return nil
}

func readFailure(body []byte, event *Event) error {
	codeEnd := 5 + int(body[4])
	if codeEnd > len(body) || !wire.IsFailureCode(string(body[5:codeEnd])) {
		return wire.InvalidFrame("a failure without a code")
	}
	*event = Event{
		Kind: FailureEvent, ID: binary.BigEndian.Uint32(body), Code: string(body[5:codeEnd]),
		Text: strings.ToValidUTF8(string(body[codeEnd:]), "\uFFFD"),
	}
	return nil
}
