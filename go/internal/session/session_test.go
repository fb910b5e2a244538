package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

var smallWindows = [3]uint32{wire.MinWindow, wire.MinWindow, wire.MinWindow}

func limitsOf(windows [3]uint32) Limits {
	return Limits{Side: wire.ServerSide, MaxMessageBytes: wire.DefaultMaxMessageBytes, Windows: windows, Offers: wire.NoOffers()}
}

func newSession(windows [3]uint32) *Session {
	s := New(limitsOf(windows), 0)
	s.Attach(&wire.NativeHello{MaxMessageBytes: wire.DefaultMaxMessageBytes, Windows: windows}, nil)
	return s
}

var aTrace = &wire.TraceContext{Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Tracestate: "a=b"}

func tracingSession() *Session {
	limits := limitsOf(smallWindows)
	limits.Offers.Features = wire.FeatureContext
	s := New(limits, wire.FeatureContext)
	s.Attach(&wire.NativeHello{MaxMessageBytes: wire.DefaultMaxMessageBytes, Windows: smallWindows}, nil)
	return s
}

var pattern = func() []byte {
	bytes := make([]byte, 1<<19)
	for index := range bytes {
		bytes[index] = byte(index)
	}
	return bytes
}()

// numbered data begin with a number and are recognisable to the end.
func numbered(number, size int) []byte {
	data := make([]byte, max(8, size))
	copy(data[8:], pattern[number%256:])
	binary.BigEndian.PutUint64(data, uint64(number))
	return data
}

// receiver takes what a session receives, in the order in which it comes.
type receiver struct {
	t        *testing.T
	session  *Session
	held     []Event
	messages int
	requests map[uint32]bool
	answers  map[uint32]bool
}

func (r *receiver) receive(frame []byte) {
	r.t.Helper()
	var event Event
	if err := r.session.Receive(frame, &event); err != nil {
		r.t.Fatal(err)
	}
	if event.Kind == NoEvent {
		return
	}
	number := int(binary.BigEndian.Uint64(event.Data))
	if !bytes.Equal(event.Data, numbered(number, len(event.Data))) {
		r.t.Fatalf("message %d has other bytes", number)
	}
	if wants := event.Kind == RequestEvent && number%3 == 0; wants != (event.Trace != nil) || wants && *event.Trace != *aTrace {
		r.t.Fatalf("%d came with the trace %+v", number, event.Trace)
	}
	switch event.Kind {
	case MessageEvent:
		if number != r.messages {
			r.t.Fatalf("message %d came after %d of them", number, r.messages)
		}
		r.messages++
		r.held = append(r.held, event)
	case RequestEvent:
		if r.requests[event.ID] {
			r.t.Fatalf("request %d came twice", event.ID)
		}
		r.requests[event.ID] = true
		r.held = append(r.held, event)
	case AnswerEvent:
		if r.answers[event.ID] {
			r.t.Fatalf("answer %d came twice", event.ID)
		}
		r.answers[event.ID] = true
	}
}

// consume has the application consume some of what waits.
func (r *receiver) consume(count int) {
	for ; count > 0 && len(r.held) > 0; count-- {
		if event := r.held[0]; event.Kind == MessageEvent {
			r.session.ConsumeMessage(event.Position)
		} else {
			r.session.ConsumeRequest(event.Position)
		}
		r.held = r.held[1:]
	}
}

// Connections break after any frame, and acknowledgements come late or never: nothing is lost, comes twice or out of order.
func TestASessionGoesOnAfterAnyFrame(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			sizes := []int{0, 8, 100, 5_000, 16_000, 17_000, 100_000, 140_000, 400_000}
			from, to := tracingSession(), tracingSession()
			r := &receiver{t: t, session: to, requests: map[uint32]bool{}, answers: map[uint32]bool{}}
			written := [3]int{}
			const each = 150
			for round := 0; r.messages < each || len(r.requests) < each || len(r.answers) < each; round++ {
				if round > 100_000 {
					t.Fatalf("no end: %d messages, %d requests, %d answers", r.messages, len(r.requests), len(r.answers))
				}
				for range random.IntN(6) {
					lane := random.IntN(3)
					if written[lane] == each {
						continue
					}
					written[lane]++
					number := written[lane] - 1
					if lane != messages {
						number++
					}
					data := numbered(number, sizes[random.IntN(len(sizes))])
					switch lane {
					case messages:
						_ = from.SendMessage(1, data)
					case requests:
						request := Request{ID: uint32(number), Type: 1, Data: data}
						if number%3 == 0 {
							request.Trace = aTrace
						}
						_ = from.SendRequest(request)
					default:
						_ = from.SendAnswer(uint32(number), data)
					}
				}
				record := from.AppendFrames(nil)
				if len(record) > recordRoomBytes {
					t.Fatalf("a record of %d bytes", len(record))
				}
				cut := random.IntN(10) == 0
				for rest := record; len(rest) > 0; {
					frame, after, err := wire.CutFrame(rest)
					if err != nil {
						t.Fatal(err)
					}
					if cut && random.IntN(3) == 0 {
						break
					}
					r.receive(frame)
					rest = after
				}
				r.consume(random.IntN(20))
				if random.IntN(3) == 0 {
					if err := from.Acknowledged(to.Acknowledge()); err != nil {
						t.Fatal(err)
					}
				}
				if cut {
					if err := from.Rewind(&wire.NativeHello{Received: to.Received()}); err != nil {
						t.Fatal(err)
					}
				}
			}
			r.consume(len(r.held))
			if err := from.Acknowledged(to.Acknowledge()); err != nil {
				t.Fatal(err)
			}
			if from.QueuedBytes() != 0 || !from.AllSent() {
				t.Errorf("%d bytes are queued at the end", from.QueuedBytes())
			}
		})
	}
}

func kindsOf(t *testing.T, record []byte) (kinds []wire.Kind) {
	t.Helper()
	for len(record) > 0 {
		frame, rest, err := wire.CutFrame(record)
		if err != nil {
			t.Fatal(err)
		}
		kinds, record = append(kinds, wire.Kind(frame[0])), rest
	}
	return kinds
}

// Of every number and size: what was written before a request arrives before it, and a record has its lanes in order.
func TestMessagesWrittenBeforeARequestLeaveBeforeIt(t *testing.T) {
	for _, messageBytes := range []int{10, 5_000, 15_000, 20_000, 60_000} {
		for _, requestBytes := range []int{10, 15_000, 20_000, 100_000} {
			for _, count := range []int{1, 5, 20} {
				s := newSession([3]uint32{8 << 20, 8 << 20, 8 << 20})
				for range count {
					_ = s.SendMessage(1, make([]byte, messageBytes))
				}
				_ = s.SendRequest(Request{ID: 1, Type: 1, Data: make([]byte, requestBytes)})
				for range count {
					_ = s.SendMessage(1, make([]byte, messageBytes))
				}
				before := 0
				for found := false; !found; {
					record := s.AppendFrames(nil)
					last := wire.Kind(0)
					for _, kind := range kindsOf(t, record) {
						if kind < last {
							t.Fatalf("a record has 0x%x after 0x%x", kind, last)
						}
						last = kind
						if kind == wire.KindRequest {
							found = true
						} else if !found {
							before++
						}
					}
				}
				if before < count {
					t.Errorf("%d of %d messages of %d bytes left before a request of %d", before, count, messageBytes, requestBytes)
				}
			}
		}
	}
}

func TestARequestOvertakesALargeMessageAndAFullWindow(t *testing.T) {
	for name, fill := range map[string]func(*Session){
		"a large message": func(s *Session) { _ = s.SendMessage(1, make([]byte, 3_000_000)) },
		"a full window": func(s *Session) {
			for range 100 {
				_ = s.SendMessage(1, make([]byte, 10_000))
			}
		},
	} {
		s := newSession([3]uint32{100_000, 100_000, 100_000})
		fill(s)
		_ = s.SendRequest(Request{ID: 1, Type: 1, Data: nil})
		for range 3 {
			for _, kind := range kindsOf(t, s.AppendFrames(nil)) {
				if kind == wire.KindRequest {
					name = ""
				}
			}
		}
		if name != "" {
			t.Errorf("%s keeps a request from leaving", name)
		}
	}
}

func TestAcknowledgementsAndPositionsThatCannotBeAreRefused(t *testing.T) {
	s := newSession(smallWindows)
	for range 3 {
		_ = s.SendMessage(1, []byte("abc"))
	}
	s.AppendFrames(nil)
	const weight = 4 + 4 + 3 + FrameOverheadBytes
	if err := s.Acknowledged(wire.Positions{2 * weight}); err != nil {
		t.Fatal(err)
	}
	for name, position := range map[string]int64{
		"before an earlier one": weight, "within a frame": 2*weight + 5, "not sent": 4 * weight, "of another lane": 0,
	} {
		if err := s.Acknowledged(wire.Positions{position}); !errors.Is(err, fault.FrameInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Rewind(&wire.NativeHello{Received: wire.Positions{position}}); !errors.Is(err, fault.FrameInvalid) {
			t.Errorf("a position %s: %v", name, err)
		}
	}
	if err := s.Acknowledged(wire.Positions{3 * weight, 1}); !errors.Is(err, fault.FrameInvalid) {
		t.Errorf("a lane without frames: %v", err)
	}
}

func TestAPeerThatOverrunsItsWindowIsRefused(t *testing.T) {
	s := newSession(smallWindows)
	frame := append(wire.AppendFrameHeader(nil, wire.KindMessage, 4), 0, 0, 0, 1)
	var event Event
	for range (wire.MinWindow + maxRecordWeight) / (8 + FrameOverheadBytes) {
		if err := s.Receive(frame, &event); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Receive(frame, &event); !errors.Is(err, fault.WindowExceeded) {
		t.Error(err)
	}
}

func TestMemoryOfALargeBodyFollowsWhatArrived(t *testing.T) {
	limits := limitsOf(smallWindows)
	limits.MaxMessageBytes = wire.MaxMaxMessageBytes
	s := New(limits, 0)
	start := wire.AppendFrameHeader(nil, wire.KindMessageStart, 8+wire.MinPartBytes)
	start = binary.BigEndian.AppendUint32(start, 1)
	start = binary.BigEndian.AppendUint32(start, wire.MaxMaxMessageBytes)
	var event Event
	if err := s.Receive(append(start, make([]byte, wire.MinPartBytes)...), &event); err != nil {
		t.Fatal(err)
	}
	if kept := s.KeptBytes(); kept > 5*wire.MinPartBytes {
		t.Errorf("%d bytes are kept of %d", kept, wire.MinPartBytes)
	}
}

func TestWhatALostSessionLeavesIsToldOnceAndInOrder(t *testing.T) {
	s := newSession([3]uint32{wire.MinWindow, wire.MinWindow, wire.MinWindow})
	for number := range 30 {
		_ = s.SendMessage(uint32(number+1), numbered(number, 10_000))
		_ = s.SendRequest(Request{ID: uint32(number + 1), Type: 7, Data: numbered(number, 200_000)})
	}
	s.AppendFrames(nil)
	left := s.Abandon()
	all := append(left.Unacknowledged, left.Unsent...)
	if len(left.Unacknowledged) == 0 || len(left.Unsent) == 0 || len(all) != 30 {
		t.Fatalf("%d and %d messages are left", len(left.Unacknowledged), len(left.Unsent))
	}
	for number, message := range all {
		if message.Type != uint32(number+1) || !bytes.Equal(message.Data, numbered(number, 10_000)) {
			t.Errorf("message %d is another", number)
		}
	}
	for _, request := range left.UnsentRequests {
		if !bytes.Equal(request.Data, numbered(int(request.ID)-1, 200_000)) {
			t.Errorf("request %d is another", request.ID)
		}
	}
	if s.QueuedBytes() != 0 {
		t.Errorf("%d bytes are queued", s.QueuedBytes())
	}
}

func TestAMessageCostsNoAllocation(t *testing.T) {
	from, to := newSession([3]uint32{8 << 20, 8 << 20, 8 << 20}), newSession([3]uint32{8 << 20, 8 << 20, 8 << 20})
	data, record := make([]byte, 64), []byte(nil)
	send := func() {
		for range 1_000 {
			_ = from.SendMessage(1, data)
		}
		record = from.AppendFrames(record[:0])
		for rest := record; len(rest) > 0; {
			frame, after, _ := wire.CutFrame(rest)
			var event Event
			_ = to.Receive(frame, &event)
			to.ConsumeMessage(event.Position)
			rest = after
		}
		_ = from.Acknowledged(to.Acknowledge())
	}
	// What remains is the memory that the data of 250 messages share.
	if allocs := testing.AllocsPerRun(100, send); allocs > 6 {
		t.Errorf("%v allocations for 1000 messages", allocs)
	}
}

func TestAPeerThatDoesNotKnowOfTheDataOfFailuresGetsTheRest(t *testing.T) {
	for features, kind := range map[wire.Features]wire.Kind{0: wire.KindFailure, wire.FeatureFailureData: wire.KindFailureWithData} {
		limits := limitsOf(smallWindows)
		limits.Offers.Features = wire.FeatureFailureData
		s := New(limits, features)
		s.Attach(&wire.NativeHello{Windows: smallWindows}, nil)
		s.SendFailure(1, "NO", "why", []byte("data"))
		if kinds := kindsOf(t, s.AppendFrames(nil)); len(kinds) != 1 || kinds[0] != kind {
			t.Errorf("%x was sent with the features %d", kinds, features)
		}
	}
}
