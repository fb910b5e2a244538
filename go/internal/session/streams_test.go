package session

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

// streamOfPeer is a server's session in which the client has opened the stream 1.
func streamOfPeer(t *testing.T) *Session {
	limits := limitsOf(smallWindows)
	limits.Offers = &wire.Offers{
		Features: wire.FeatureStreams, StreamLaneWindow: wire.MinWindow, MaxConcurrentStreams: 1, StreamWindow: wire.MinWindow,
	}
	s := New(limits, wire.FeatureStreams)
	s.Attach(&wire.NativeHello{MaxMessageBytes: wire.DefaultMaxMessageBytes, Windows: smallWindows, Offers: limits.Offers}, nil)
	said(t, s, wire.KindStreamOpen, 0, 0, 0, 1)
	return s
}

// said is what a frame of the stream 1 says, with those bytes after the id.
func said(t *testing.T, s *Session, kind wire.Kind, rest ...byte) (event Event) {
	t.Helper()
	if err := s.Receive(ofStream(kind, rest...), &event); err != nil {
		t.Fatal(err)
	}
	return event
}

func ofStream(kind wire.Kind, rest ...byte) []byte {
	frame := binary.BigEndian.AppendUint32(wire.AppendFrameHeader(nil, kind, 4+len(rest)), 1)
	return append(frame, rest...)
}

func TestWhatIsKeptOfAStreamIsWhatTheApplicationHasYetToRead(t *testing.T) {
	for name, settle := range map[string]func(s *Session, weight int64){
		"read":           func(s *Session, weight int64) { s.Streams().Consumed(1, weight) },
		"not wanted":     func(s *Session, _ int64) { s.Streams().StopSending(1) },
		"reset here":     func(s *Session, _ int64) { s.Streams().Reset(1, "ENOUGH", "") },
		"reset there":    func(s *Session, _ int64) { said(t, s, wire.KindStreamReset, 1, 'X') },
		"ended":          func(s *Session, _ int64) { s.Streams().End(1); said(t, s, wire.KindStreamEnd) },
		"of a lost past": func(s *Session, _ int64) { s.Abandon() },
	} {
		t.Run(name, func(t *testing.T) {
			s := streamOfPeer(t)
			item := said(t, s, wire.KindItem, make([]byte, 1_000)...)
			if kept := s.KeptBytes(); item.Kind != ItemEvent || kept != item.Weight || kept < 1_000 {
				t.Errorf("%d bytes are kept of an item of %d", kept, item.Weight)
			}
			settle(s, item.Weight)
			if kept := s.KeptBytes(); kept != 0 {
				t.Errorf("%d bytes are kept of nothing", kept)
			}
		})
	}
}

func TestAnItemThatIsNotWantedIsNotKept(t *testing.T) {
	s := streamOfPeer(t)
	s.Streams().StopSending(1)
	if late := said(t, s, wire.KindItem, make([]byte, 1_000)...); late.Kind != NoEvent || s.KeptBytes() != 0 {
		t.Errorf("%v, and %d bytes are kept", late.Kind, s.KeptBytes())
	}
}

func TestAPeerThatAcknowledgesNoCreditMayNotGoOnSending(t *testing.T) {
	// Each item is read and causes credit; more of it waits than may.
	item := ofStream(wire.KindItem, make([]byte, wire.MinWindow/creditShare)...)
	const enough = 2 * maxRepliesBytes / FrameOverheadBytes
	for _, acknowledges := range []bool{false, true} {
		s := streamOfPeer(t)
		var err error
		for count := 0; err == nil && count < enough; count++ {
			var event Event
			if err = s.Receive(item, &event); err != nil {
				break
			}
			if !s.Streams().Consumed(1, event.Weight) {
				t.Fatal("an item causes no credit")
			}
			s.AppendFrames(nil)
			if acknowledges {
				s.Streams().lane.acknowledge(s.Streams().lane.sentPosition)
			}
		}
		if errors.Is(err, fault.WindowExceeded) == acknowledges {
			t.Errorf("a peer that acknowledges (%v): %v", acknowledges, err)
		}
	}
}

func TestAnItemThatIsReadAfterTheEndCausesNoCredit(t *testing.T) {
	s := streamOfPeer(t)
	item := said(t, s, wire.KindItem, make([]byte, wire.MinWindow/2)...)
	said(t, s, wire.KindStreamEnd)
	if s.Streams().Consumed(1, item.Weight) || s.CanSend() {
		t.Error("there is something to send")
	}
}

func TestIdsOfStreamsGoRoundAndLeaveOutThoseInUse(t *testing.T) {
	for _, side := range []wire.Side{wire.ClientSide, wire.ServerSide} {
		lowest := streamIDAfter(side, 0)
		for _, inUse := range []bool{false, true} {
			s := streamOfPeer(t).Streams()
			s.limits.Side, s.lastOwn = side, lowest-2
			if side == wire.ServerSide {
				s.lastOwn = math.MaxUint32 - 1
			}
			want := lowest
			clear(s.open)
			if inUse {
				s.open[lowest] = &stream{id: lowest, own: true}
				want = lowest + 2
			}
			if id, err := s.Open(Request{Type: 1}); err != nil || id != want {
				t.Errorf("the %s opens %d, not %d: %v", side, id, want, err)
			}
		}
	}
}

func TestAPeerWhoseIdsGoRoundMayNotOpenOneThatIsInUse(t *testing.T) {
	s := streamOfPeer(t)
	s.streams.limits.Offers.MaxConcurrentStreams = 2
	s.streams.lastPeers = math.MaxUint32
	var event Event
	if err := s.Receive(ofStream(wire.KindStreamOpen, 0, 0, 0, 1), &event); !errors.Is(err, fault.FrameInvalid) {
		t.Error(err)
	}
	s.streams.over(s.streams.open[1])
	said(t, s, wire.KindStreamOpen, 0, 0, 0, 1)
}
