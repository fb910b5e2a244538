package session

import (
	"bytes"
	"testing"

	"sealpipe/internal/wire"
)

// lending is what sends large messages, and lends their frames.
func lending() *outgoing {
	o := &outgoing{}
	for index := range o.lanes {
		o.lanes[index].window = 1 << 30
		o.lanes[index].ordered = index == messages
	}
	return o
}

func TestAFrameThatIsLentIsTheSameAsOneThatIsCopied(t *testing.T) {
	lends, copies := lending(), lending()
	for _, o := range []*outgoing{lends, copies} {
		o.message(7, numbered(1, 20_000))
		o.request(&Request{ID: 1, Type: 8, Data: numbered(2, 20_000)})
		o.answer(9, numbered(3, 20_000))
	}
	want := copies.appendFrames(nil)
	var got []byte
	for frame := lends.lendFrame(); frame != nil; frame = lends.lendFrame() {
		got = append(got, frame...)
	}
	if !bytes.Equal(got, want) || !lends.allSent() {
		t.Errorf("%d bytes were lent, of %d", len(got), len(want))
	}
}

func TestTheMemoryOfALentFrameIsNotUsedAgainWhileItIsSealedWhateverThePeerAcknowledges(t *testing.T) {
	for _, sealed := range []bool{true, false} {
		o := lending()
		o.message(1, numbered(1, 20_000))
		frame := o.lendFrame()
		o.message(1, numbered(2, 20_000))
		if sealed {
			o.returnFrames()
		}
		if err := o.acknowledge(wire.Positions{o.lanes[messages].sentPosition}); err != nil {
			t.Fatal(err)
		}
		o.message(1, numbered(3, 20_000))
		isIntact := bytes.HasSuffix(frame, numbered(1, 20_000))
		if isIntact == sealed {
			t.Errorf("sealed: %v, and the frame is intact: %v", sealed, isIntact)
		}
	}
}

func TestWhatIsLentToAConnectionThatIsGoneIsNeverUsedAgain(t *testing.T) {
	o := lending()
	o.message(1, numbered(1, 20_000))
	frame := o.lendFrame()
	o.forgetLent() // Another connection goes on.
	o.rewind(wire.Positions{})
	again := o.appendFrames(nil)
	o.returnFrames()
	o.message(1, numbered(2, 20_000))
	if err := o.acknowledge(wire.Positions{o.lanes[messages].sentPosition}); err != nil {
		t.Fatal(err)
	}
	o.message(1, numbered(3, 20_000))
	if !bytes.Equal(again, frame) || !bytes.HasSuffix(frame, numbered(1, 20_000)) {
		t.Error("the first connection's frame has other bytes")
	}
}

func TestSmallFramesPartsAndTracedRequestsAreCopied(t *testing.T) {
	o := lending()
	o.message(1, numbered(1, 1_000))
	if o.lendFrame() != nil {
		t.Error("a small one is lent")
	}
	o.appendFrames(nil)
	o.message(1, numbered(1, 200_000))
	if o.lendFrame() != nil {
		t.Error("a part is lent")
	}
	o = lending()
	o.request(&Request{ID: 1, Type: 1, Data: numbered(1, 20_000), Trace: aTrace})
	if o.lendFrame() != nil {
		t.Error("a frame that another has to be ahead of is lent")
	}
}
