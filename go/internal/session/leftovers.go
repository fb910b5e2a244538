package session

import (
	"bytes"
	"encoding/binary"
	"slices"

	"sealpipe/internal/wire"
)

// Message is one as it was written.
type Message struct {
	Type uint32
	Data []byte
}

// Request is one as it was written.
type Request struct {
	ID, Type uint32
	Data     []byte
	// Trace is nil if it belongs to none. Leftovers have none.
	Trace *wire.TraceContext
}

// Leftovers are what was under way when a session was lost.
type Leftovers struct {
	// Unacknowledged messages were sent, in part at least: they may have arrived or not.
	Unacknowledged []Message
	// Unsent messages and UnsentRequests were not sent at all.
	Unsent         []Message
	UnsentRequests []Request
}

// leftover is a run of whole frames, or a body.
type leftover struct {
	frames []byte
	body   *outgoingBody
}

func contains(all []leftover, body *outgoingBody) bool {
	return slices.ContainsFunc(all, func(one leftover) bool { return one.body == body })
}

// messagesOf are the messages in them, with memory of their own.
func messagesOf(all []leftover) []Message {
	var messages []Message
	for _, one := range all {
		if one.body != nil {
			data := one.body.data
			if one.body.lent {
				data = bytes.Clone(data)
			}
			messages = append(messages, Message{one.body.fields[0], data})
			continue
		}
		eachBody(one.frames, func(_ wire.Kind, body []byte) {
			messages = append(messages, Message{binary.BigEndian.Uint32(body), bytes.Clone(body[4:])})
		})
	}
	return messages
}

func requestsOf(all []leftover) []Request {
	var requests []Request
	for _, one := range all {
		if one.body != nil {
			requests = append(requests, Request{ID: one.body.fields[0], Type: one.body.fields[1], Data: one.body.data})
			continue
		}
		eachBody(one.frames, func(kind wire.Kind, body []byte) {
			if kind == wire.KindRequest {
				id, requestType := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
				requests = append(requests, Request{ID: id, Type: requestType, Data: bytes.Clone(body[8:])})
			}
		})
	}
	return requests
}

func eachBody(frames []byte, visit func(wire.Kind, []byte)) {
	for len(frames) > 0 {
		frameBytes := wire.FrameBytes(frames)
		visit(wire.Kind(frames[0]), frames[wire.FrameHeaderBytes:frameBytes])
		frames = frames[frameBytes:]
	}
}
