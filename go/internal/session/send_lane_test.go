package session

import (
	"bytes"
	"fmt"
	"testing"

	"sealpipe/internal/wire"
)

// pushed queues a message of that number in memory of the lane's, and returns its data.
func pushed(l *sendLane, number int) []byte {
	body := l.newBody(messageKinds, []uint32{1}, numbered(number, 20_000))
	l.push(body)
	return body.data
}

func TestTheMemoryOfABodyIsUsedAgainOnceItIsAcknowledgedAndNotBefore(t *testing.T) {
	l := &sendLane{ordered: true, window: 1 << 30}
	first, second := pushed(l, 1), pushed(l, 2)
	l.appendNext(nil)
	firstEnd := l.sentPosition
	l.appendNext(nil)
	if unsettled := pushed(l, 3); &unsettled[0] == &first[0] || &unsettled[0] == &second[0] {
		t.Error("memory is used that may have to be sent again")
	}
	l.appendNext(nil)
	l.acknowledge(firstEnd)
	if next := pushed(l, 4); &next[0] != &first[0] {
		t.Error("the memory of the first is not used again")
	}
	l.rewind(firstEnd)
	for number := 2; number <= 4; number++ {
		frame := l.appendNext(nil)
		if !bytes.HasSuffix(frame, numbered(number, 20_000)) {
			t.Errorf("message %d is sent with other bytes", number)
		}
	}
	l.acknowledge(l.sentPosition)
	if l.spares != nil {
		t.Error("a lane without anything to send keeps memory")
	}
}

func TestTheMemoryOfABodyInPartsIsUsedAgainOnlyAfterTheLast(t *testing.T) {
	l := &sendLane{ordered: true, window: 1 << 30}
	body := l.newBody(messageKinds, []uint32{1}, numbered(1, 130_060))
	data := body.data
	l.push(body)
	if parts := body.parts(); parts != 2 || cap(body.memory) > maxSpareBytes {
		t.Fatalf("%d parts of %d bytes", parts, cap(data))
	}
	l.appendNext(nil)
	l.acknowledge(l.sentPosition)
	if next := pushed(l, 2); &next[0] == &data[0] {
		t.Error("memory is used of which a part is to be sent")
	}
}

// traced queues a request in a trace, and returns the memory of its data.
func traced(o *outgoing, number, size int) []byte {
	o.request(&Request{ID: uint32(number), Type: 1, Data: numbered(number, size), Trace: aTrace})
	lane := &o.lanes[requests]
	if last := lane.interleaved.Len() - 1; last >= 0 {
		return (*lane.interleaved.At(last)).data
	}
	return lane.waiting.At(lane.waiting.Len() - 1).body.data
}

func allFrames(o *outgoing) (frames []byte) {
	for o.canSend() {
		frames = o.appendFrames(frames)
	}
	return frames
}

func isSame(one, other []byte) bool { return &one[0] == &other[0] }

func TestTheMemoryOfATracedBodyIsUsedAgainOnceHoweverItsRequestWasResumed(t *testing.T) {
	for _, size := range []int{20_000, 130_060} {
		for resumes := range 3 {
			for _, acknowledges := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d bytes, resumed %d times, context acknowledged: %v", size, resumes, acknowledges), func(t *testing.T) {
					resumeWithinTraced(t, size, resumes, acknowledges)
				})
			}
		}
	}
}

func resumeWithinTraced(t *testing.T, size, resumes int, acknowledges bool) {
	o := &outgoing{}
	for index := range o.lanes {
		o.lanes[index].window = 1 << 30
	}
	lane := &o.lanes[requests]
	memory := traced(o, 1, size)
	// What the transport was given stays as it is, whatever happens to the memory of the body.
	given := allFrames(o)
	before := bytes.Clone(given)
	contextBytes := wire.FrameBytes(given)
	between, end := int64(contextBytes+FrameOverheadBytes), lane.sentPosition
	acknowledge := func(position int64) {
		if err := o.acknowledge(wire.Positions{requests: position}); err != nil {
			t.Fatal(err)
		}
	}
	if acknowledges {
		acknowledge(between)
	}
	for range resumes {
		o.rewind(wire.Positions{requests: between})
		if again := allFrames(o); !bytes.Equal(again, given[contextBytes:]) {
			t.Fatalf("%d other bytes are sent again", len(again))
		}
	}
	if isSame(traced(o, 2, size), memory) || isSame(traced(o, 3, size), memory) {
		t.Error("memory is used that may have to be sent again")
	}
	others := allFrames(o)
	acknowledge(end)
	fourth, fifth := traced(o, 4, size), traced(o, 5, size)
	if !isSame(fourth, memory) || isSame(fifth, memory) {
		t.Errorf("used again by the fourth: %v, and by the fifth: %v", isSame(fourth, memory), isSame(fifth, memory))
	}
	if !bytes.Equal(given, before) {
		t.Error("what the transport was given is written over")
	}
	o.rewind(wire.Positions{requests: end})
	if !bytes.Equal(fourth, numbered(4, size)) || !bytes.Equal(fifth, numbered(5, size)) {
		t.Error("a body has the bytes of another")
	}
	if again := allFrames(o); !bytes.HasPrefix(again, others) {
		t.Error("what was not acknowledged is sent again with other bytes")
	}
}

func TestTheMemoryOfFramesIsUsedAgainOnlyWhenAllPartsOfItsRunsAreAcknowledged(t *testing.T) {
	const size, weight = 1_000, wire.FrameHeaderBytes + 4 + 1_000 + FrameOverheadBytes
	o := &outgoing{}
	o.lanes[messages].ordered, o.lanes[messages].window = true, 1<<30
	var expected []byte
	write := func(number int) {
		o.message(1, numbered(number, size))
		expected = append(wire.AppendFrameHeader(expected, wire.KindMessage, 4+size), 0, 0, 0, 1)
		expected = append(expected, numbered(number, size)...)
	}
	written := 0
	send := func() {
		for range 100 {
			write(written)
			written++
		}
		allFrames(o)
	}
	resume := func(received int) {
		t.Helper()
		o.rewind(wire.Positions{messages: int64(received * weight)})
		if again := allFrames(o); !bytes.Equal(again, expected[received*(weight-FrameOverheadBytes):]) {
			t.Fatalf("after %d messages, other bytes are sent again", received)
		}
	}
	send()
	// Mostly within a run, of which the second half is still to be acknowledged when the memory of others is used again.
	for received := 30; received < 3_000; received += 200 {
		send()
		resume(received)
		if err := o.acknowledge(wire.Positions{messages: int64(received * weight)}); err != nil {
			t.Fatal(err)
		}
		send()
		resume(received)
	}
}
