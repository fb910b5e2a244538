package engine

import (
	"bytes"
	"crypto/ecdh"
	"encoding/binary"
	"errors"
	"os"
	"regexp"
	"testing"

	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/vectors"
	"sealpipe/internal/wire"
)

func feed(in *wire.Input, chunk []byte) {
	for len(chunk) > 0 {
		count := copy(in.Space(), chunk)
		in.Advance(count)
		chunk = chunk[count:]
	}
}

func TestTheTableOfStatesIsTheSpecs(t *testing.T) {
	spec, err := os.ReadFile("../../../spec/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([a-z-]+) \\| `([a-z-]+)` \\|$").FindAllStringSubmatch(string(spec), -1)
	count := 0
	for _, inputs := range transitions {
		count += len(inputs)
	}
	if len(rows) == 0 || len(rows) != count {
		t.Errorf("the spec has %d rows, the table %d", len(rows), count)
	}
	for _, row := range rows {
		if next := transitions[State(row[1])][input(row[2])]; next != State(row[3]) {
			t.Errorf("%s in %s leads to %q, not %s", row[2], row[1], next, row[3])
		}
	}
}

type handshakeVector struct {
	Name                               string
	Encrypted                          bool
	ClientInsistsOnEncryption          bool
	MaxMessageBytes                    uint32
	ServerPrivateKey, ClientPrivateKey vectors.Bytes
	Nonce                              vectors.Bytes
	Steps                              []struct {
		From  wire.Side
		Part  string
		Bytes vectors.Bytes
	}
	Outcome   string
	OutcomeAt string
}

func (v *handshakeVector) side(role wire.Side) *Handshake {
	private, encryption := v.ServerPrivateKey, v.Encrypted
	if role == wire.ClientSide {
		private, encryption = v.ClientPrivateKey, v.ClientInsistsOnEncryption
	}
	return NewHandshake(HandshakeOptions{
		Role: role, Encryption: encryption, Profile: Classic, MaxMessageBytes: v.MaxMessageBytes,
		NewKeyPair: func() (*ecdh.PrivateKey, error) { return ecdh.P384().NewPrivateKey(private) },
		Random:     func(bytes []byte) { copy(bytes, v.Nonce) },
	})
}

// advanceAll takes all steps that can be taken.
func advanceAll(h *Handshake, in *wire.Input) (output [][]byte, err error) {
	for h.Opened == nil {
		step, err := h.Advance(in)
		output = append(output, step.Output...)
		if err != nil || !step.Progress {
			return output, err
		}
	}
	return output, nil
}

func TestHandshakeVectors(t *testing.T) {
	for _, v := range vectors.Load[handshakeVector](t, "handshakes.json") {
		for _, role := range []wire.Side{wire.ServerSide, wire.ClientSide} {
			if v.OutcomeAt != "both" && v.OutcomeAt != string(role) {
				continue
			}
			for _, chunkBytes := range []int{1, 1000} {
				t.Run(v.Name+" "+string(role), func(t *testing.T) { replay(t, &v, role, chunkBytes) })
			}
		}
	}
}

func replay(t *testing.T, v *handshakeVector, role wire.Side, chunkBytes int) {
	h, in := v.side(role), &wire.Input{}
	output, failure := h.Start(), error(nil)
	for _, step := range v.Steps {
		if step.From == role {
			if len(output) == 0 || !bytes.Equal(output[0], step.Bytes) {
				t.Fatalf("the %s is %x, not %x", step.Part, output, step.Bytes)
			}
			output = output[1:]
			continue
		}
		for rest := step.Bytes; len(rest) > 0; rest = rest[min(chunkBytes, len(rest)):] {
			feed(in, rest[:min(chunkBytes, len(rest))])
			more, err := advanceAll(h, in)
			output = append(output, more...)
			if err != nil {
				failure = err
			}
		}
	}
	if len(output) > 0 {
		t.Errorf("%x was sent besides", output)
	}
	if v.Outcome == "open" {
		if h.Opened == nil || h.Opened.Encrypted != v.Encrypted {
			t.Errorf("it did not open: %v", failure)
		}
	} else if !errors.Is(failure, fault.Code(v.Outcome)) || h.State() != Closed {
		t.Errorf("%v in %s", failure, h.State())
	}
}

// receiveAll has the engine read all that is in the input.
func receiveAll(e *Engine, in *wire.Input, now int64) (events []session.Event) {
	e.Heard(now)
	for !e.Discards() {
		unit, err := e.Receiver.Next(in)
		if unit == nil && err == nil {
			break
		}
		e.Receive(unit, err)
		var event session.Event
		for e.NextEvent(&event, now) {
			events = append(events, event)
		}
	}
	e.UnitsRead(in.Len() > 0, now)
	return events
}

var testLimits = Limits{
	MaxMessageBytes: wire.DefaultMaxMessageBytes, FrameTimeoutMs: 30_000, CloseTimeoutMs: 5_000,
	Keepalive: KeepaliveLimits{IntervalMs: 10_000, TimeoutMs: 10_000},
}

func TestBadFrameVectors(t *testing.T) {
	type vector struct {
		Name            string
		Encrypted       bool
		Key, Bytes      vectors.Bytes
		MaxMessageBytes int
		Outcome         string
	}
	for _, v := range vectors.Load[vector](t, "bad-frames.json") {
		t.Run(v.Name, func(t *testing.T) {
			opened := &Opened{Profile: Classic, Encrypted: v.Encrypted}
			if v.Encrypted {
				opened.Cipher = wire.NewClassicCipher(v.Key)
			}
			limits := testLimits
			limits.MaxMessageBytes = v.MaxMessageBytes
			e, in := New(wire.ServerSide, opened, nil, limits, nil, 0), &wire.Input{}
			feed(in, v.Bytes)
			if events := receiveAll(e, in, 0); len(events) > 0 {
				t.Errorf("%+v were delivered", events)
			}
			if v.Outcome == "dropped" {
				if e.Closed() {
					t.Errorf("closed: %v", e.Err())
				}
			} else if !errors.Is(e.Err(), fault.Code(v.Outcome)) {
				t.Errorf("%v, not %s", e.Err(), v.Outcome)
			}
		})
	}
}

var anyWindows = [3]uint32{8 << 20, 2 << 20, 2 << 20}

func offersOf(features wire.Features) *wire.Offers {
	offers := wire.NoOffers()
	offers.Features, offers.MaxConcurrentStreams = features, 2
	return offers
}

func limitsOf(role wire.Side, windows [3]uint32, offers *wire.Offers) session.Limits {
	return session.Limits{Side: role, MaxMessageBytes: wire.DefaultMaxMessageBytes, Windows: windows, Offers: offers}
}

// plainEngine is a native one whose records are not sealed.
func plainEngine(role wire.Side, features wire.Features) (*Engine, *session.Session) {
	s := session.New(limitsOf(role, anyWindows, offersOf(features)), features)
	hello := &wire.NativeHello{MaxMessageBytes: wire.DefaultMaxMessageBytes, Windows: anyWindows, Offers: offersOf(features)}
	s.Attach(hello, nil)
	opened := &Opened{Profile: Native, Reader: &wire.RecordReader{}, Writer: &wire.RecordWriter{}, Hello: hello}
	return New(role, opened, s, testLimits, nil, 0), s
}

type said struct {
	Kind          string
	ID, Type      uint32
	Token         uint32
	Data          vectors.Bytes
	DataPattern   *vectors.Pattern
	Code, Message string
	Taken         wire.Positions
}

func (s *said) data() []byte {
	if s.DataPattern != nil {
		return s.DataPattern.Fill(0)
	}
	return s.Data
}

type frameVector struct {
	Name   string
	Before []said
	Frames []struct {
		Head        vectors.Bytes
		TailPattern *vectors.Pattern
		TailStart   int
	}
	Record  vectors.Bytes
	Read    string
	Says    *said
	Outcome fault.Code
}

func (v *frameVector) frames() (frames [][]byte) {
	for _, f := range v.Frames {
		frame := []byte(f.Head)
		if f.TailPattern != nil {
			frame = append(frame, f.TailPattern.Fill(f.TailStart)...)
		}
		frames = append(frames, frame)
	}
	return frames
}

func TestNativeFrameVectors(t *testing.T) {
	for _, v := range vectors.Load[frameVector](t, "native-frames.json") {
		t.Run(v.Name, func(t *testing.T) {
			e, s := plainEngine(wire.ServerSide, 0)
			for _, before := range v.Before {
				say(t, s, &before)
			}
			e.AppendOutput(nil, at(0))
			in := &wire.Input{}
			if v.Says != nil && v.Says.Kind == "cancel" {
				// Of a request that is not being handled it would be no event.
				feed(in, []byte{0, 0, 0, 12, byte(wire.KindRequest), 0, 0, 8, 0, 0, 0, byte(v.Says.ID), 0, 0, 0, 1})
				receiveAll(e, in, 0)
			}
			feed(in, v.Record)
			for _, frame := range v.frames() {
				feed(in, binary.BigEndian.AppendUint32(nil, uint32(len(frame))))
				feed(in, frame)
			}
			events := receiveAll(e, in, 0)
			if v.Says == nil {
				if !errors.Is(e.Err(), v.Outcome) {
					t.Errorf("%v, not %s", e.Err(), v.Outcome)
				}
				return
			}
			checkSays(t, e, events, v.Says)
			if wire.Kind(v.Frames[0].Head[0]) >= wire.KindMessage && v.Read == "" {
				checkWritten(t, &v)
			}
		})
	}
}

func say(t *testing.T, s *session.Session, what *said) {
	t.Helper()
	var err error
	switch what.Kind {
	case "message":
		err = s.SendMessage(what.Type, what.data())
	case "request":
		err = s.SendRequest(session.Request{ID: what.ID, Type: what.Type, Data: what.data()})
	case "answer":
		err = s.SendAnswer(what.ID, what.data())
	case "failure":
		s.SendFailure(what.ID, what.Code, what.Message, nil)
	case "cancel":
		s.SendCancel(what.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func checkSays(t *testing.T, e *Engine, events []session.Event, says *said) {
	t.Helper()
	kinds := map[string]session.EventKind{
		"message": session.MessageEvent, "request": session.RequestEvent, "answer": session.AnswerEvent,
		"failure": session.FailureEvent, "cancel": session.CancelEvent,
	}
	if kind, ok := kinds[says.Kind]; ok {
		if len(events) != 1 {
			t.Fatalf("%d events: %v", len(events), e.Err())
		}
		got := events[0]
		if got.Kind != kind || got.ID != says.ID || got.Type != says.Type || got.Code != says.Code ||
			got.Text != says.Message || !bytes.Equal(got.Data, says.data()) {
			t.Errorf("%+v", got)
		}
		return
	}
	if len(events) > 0 || e.Err() != nil {
		t.Fatalf("%+v %v", events, e.Err())
	}
	output := e.AppendOutput(nil, at(0))
	switch says.Kind {
	case "acknowledge":
		if e.QueuedBytes() != 0 {
			t.Errorf("%d bytes are queued", e.QueuedBytes())
		}
	case "acknowledge-soon":
		if !e.native.acknowledger.asked {
			t.Error("it was not heard")
		}
	case "ping":
		want := wire.AppendUint32Frame([]byte{0, 0, 0, 8}, wire.KindPong, says.Token)
		if !bytes.Equal(output, want) {
			t.Errorf("answered with %x", output)
		}
	case "close":
		if !e.Closed() || !bytes.Equal(output, []byte{0, 0, 0, 4, 6, 0, 0, 0}) {
			t.Errorf("answered with %x", output)
		}
	case "pong":
		if len(output) > 0 {
			t.Errorf("answered with %x", output)
		}
	default:
		t.Errorf("a vector says %q", says.Kind)
	}
}

// checkWritten: what the vector says is written as its frames.
func checkWritten(t *testing.T, v *frameVector) {
	t.Helper()
	e, s := plainEngine(wire.ClientSide, 0)
	say(t, s, v.Says)
	var records []byte
	for e.HasOutput() {
		records = append(records, e.AppendOutput(nil, at(0))...)
	}
	var got []byte
	for len(records) > 0 {
		length := binary.BigEndian.Uint32(records)
		got = append(got, records[4:4+length]...)
		records = records[4+length:]
	}
	want := bytes.Join(v.frames(), nil)
	if !bytes.Equal(got, want) {
		t.Errorf("written as %x, not %x", got[:min(64, len(got))], want[:min(64, len(want))])
	}
}

func TestFeatureFrameVectors(t *testing.T) {
	type vector struct {
		Name, Feature string
		Frame         vectors.Bytes
		Says          *said
		Outcome       fault.Code
	}
	for _, v := range vectors.Load[vector](t, "native-feature-frames.json") {
		t.Run(v.Name, func(t *testing.T) {
			if v.Feature != "failure-data" {
				t.Fatalf("a vector has the feature %q", v.Feature)
			}
			record := append(binary.BigEndian.AppendUint32(nil, uint32(len(v.Frame))), v.Frame...)
			without, in := plainEngineAt(record, 0)
			if receiveAll(without, in, 0); !errors.Is(without.Err(), fault.FrameInvalid) {
				t.Errorf("without the feature: %v", without.Err())
			}
			with, in := plainEngineAt(record, wire.FeatureFailureData)
			events := receiveAll(with, in, 0)
			if v.Says == nil {
				if !errors.Is(with.Err(), v.Outcome) {
					t.Errorf("%v, not %s", with.Err(), v.Outcome)
				}
				return
			}
			if len(events) != 1 || events[0].Data == nil {
				t.Fatalf("%+v %v", events, with.Err())
			}
			v.Says.Kind = "failure"
			checkSays(t, with, events, v.Says)
			writer, s := plainEngine(wire.ServerSide, wire.FeatureFailureData)
			s.SendFailure(v.Says.ID, v.Says.Code, v.Says.Message, v.Says.Data)
			if got := writer.AppendOutput(nil, at(0)); !bytes.Equal(got, record) {
				t.Errorf("written as %x, not %x", got, record)
			}
		})
	}
}

func plainEngineAt(record []byte, features wire.Features) (*Engine, *wire.Input) {
	e, _ := plainEngine(wire.ClientSide, features)
	in := &wire.Input{}
	feed(in, record)
	return e, in
}
