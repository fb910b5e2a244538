package session

import (
	"encoding/binary"

	"sealpipe/internal/wire"
)

// incomingStreams is the large body of the lane of streams that is under way: one at a time, so its parts need no id.
type incomingStreams struct {
	streams  *Streams
	isWithin bool
	// event is what its last part completes, an opening or an item, and weight what its frames weigh so far.
	event   Event
	weight  int64
	context contextAhead
}

// streamFrame reads a frame of the lane of streams, and leaves in event what it completes. Source: spec/protocol.md,
// "Streams".
func (in *incoming) streamFrame(kind wire.Kind, body []byte, event *Event) error {
	of := in.streams
	if kind == wire.KindStreamPart {
		return in.streamPart(body, event)
	}
	if of.isWithin {
		return wire.InvalidFrame("a frame of a stream within a large body of one")
	}
	*event = Event{ID: binary.BigEndian.Uint32(body)}
	switch kind {
	case wire.KindStreamContext:
		return of.context.arrived(body)
	case wire.KindStreamOpen, wire.KindStreamOpenStart:
		trace, err := of.context.take(event.ID)
		if err != nil {
			return err
		}
		event.Trace = trace
	default:
		if err := of.context.checkNone(); err != nil {
			return err
		}
	}
	switch kind {
	case wire.KindItem:
		return in.item(body[4:], event)
	case wire.KindStreamOpen:
		event.Kind, event.Type = StreamEvent, binary.BigEndian.Uint32(body[4:])
		if err := in.checkSize(body[8:]); err != nil {
			return err
		}
		event.Data, _ = in.memory.clone(body[8:])
		return of.streams.peerOpens(event)
	case wire.KindStreamOpenStart:
		event.Kind, event.Type = StreamEvent, binary.BigEndian.Uint32(body[4:])
		if err := of.streams.peerOpens(event); err != nil {
			return err
		}
		return in.startOfStream(body, 12, event)
	case wire.KindItemStart:
		event.Kind = ItemEvent
		if err := of.streams.itemBegins(event.ID); err != nil {
			return err
		}
		return in.startOfStream(body, 8, event)
	default:
		return of.streams.control(kind, body, event)
	}
}

func (in *incoming) item(data []byte, event *Event) error {
	if err := in.checkSize(data); err != nil {
		return err
	}
	if err := in.streams.streams.itemBegins(event.ID); err != nil {
		return err
	}
	event.Kind, event.Weight = ItemEvent, weightOf(4+len(data))
	if !in.streams.streams.itemCame(event.ID, event.Weight) {
		event.Kind = NoEvent
		return nil
	}
	event.Data, event.Memory = in.memory.clone(data)
	return nil
}

// startOfStream begins a large body, whose total is the last of its fixed fields.
func (in *incoming) startOfStream(body []byte, fixed int, event *Event) error {
	total := binary.BigEndian.Uint32(body[fixed-4:])
	if err := in.bodies[streams].start(0, 0, total, body[fixed:], &in.memory); err != nil {
		return err
	}
	of := in.streams
	of.isWithin, of.event, of.weight = true, *event, weightOf(len(body))
	event.Kind = NoEvent
	return nil
}

func (in *incoming) streamPart(body []byte, event *Event) error {
	whole, err := in.bodies[streams].part(0, body)
	if err != nil {
		return err
	}
	of := in.streams
	of.weight += weightOf(len(body))
	if whole == nil {
		return nil
	}
	*event, of.isWithin, of.event = of.event, false, Event{}
	event.Data, event.Memory = whole.data, in.memory.lend(whole.data)
	if event.Kind == ItemEvent {
		event.Weight = of.weight
		if !of.streams.itemCame(event.ID, event.Weight) {
			*event = Event{}
		}
	}
	return nil
}

// weightOf is the weight of a frame whose body has bodyBytes bytes.
func weightOf(bodyBytes int) int64 {
	return int64(wire.FrameHeaderBytes + bodyBytes + FrameOverheadBytes)
}
