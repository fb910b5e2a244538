package session

import (
	"encoding/binary"
	"errors"
	"testing"

	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

func TestAPartOfAnotherRequestDoesNotFollowAContext(t *testing.T) {
	s := tracingSession()
	start := wire.AppendFrameHeader(nil, wire.KindRequestStart, 12+wire.MinPartBytes)
	for _, field := range []uint32{1, 5, 2 * wire.MinPartBytes} {
		start = binary.BigEndian.AppendUint32(start, field)
	}
	part := wire.AppendFrameHeader(nil, wire.KindRequestPart, 4+wire.MinPartBytes)
	part = binary.BigEndian.AppendUint32(part, 1)
	data := make([]byte, wire.MinPartBytes)
	var event Event
	for _, frame := range [][]byte{append(start, data...), aTrace.Frame(wire.KindRequestContext, 2)} {
		if err := s.Receive(frame, &event); err != nil || event.Kind != NoEvent {
			t.Fatalf("%v, %v", event.Kind, err)
		}
	}
	if err := s.Receive(append(part, data...), &event); !errors.Is(err, fault.FrameInvalid) {
		t.Error(err)
	}
}
