package engine

import (
	"bytes"
	"crypto/ecdh"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"sealpipe/internal/fault"
	"sealpipe/internal/session"
	"sealpipe/internal/vectors"
	"sealpipe/internal/wire"
)

type connectionStep struct {
	From, At                wire.Side
	Part, Does, Hears       string
	Bytes, Record, Frame    vectors.Bytes
	Times                   int
	ID, Type, Operation     uint32
	Data                    vectors.Bytes
	Code, Message, Lane     string
	Ms                      int64
	Resumed                 bool
	Traceparent, Tracestate string
}

func (s *connectionStep) trace() *wire.TraceContext {
	known, err := wire.TraceContext{Traceparent: s.Traceparent, Tracestate: s.Tracestate}.Known()
	if err != nil {
		panic(err)
	}
	return known
}

type connectionVector struct {
	Name          string
	Roles         []wire.Side
	Encrypted     bool
	Secret        vectors.Bytes
	Resumable     bool
	SessionID     vectors.Bytes
	ClientWindows *[3]uint32
	// features are those of both hellos.
	features    wire.Features
	Connections []struct {
		ServerPrivateKey, ClientPrivateKey vectors.Bytes
		Steps                              []connectionStep
	}
}

// heard is an event, or what else one end hears.
type heard struct {
	kind    string
	event   session.Event
	code    string
	resumed bool
}

var eventNames = map[session.EventKind]string{
	session.MessageEvent: "message", session.RequestEvent: "request", session.AnswerEvent: "answer",
	session.FailureEvent: "failure", session.CancelEvent: "cancel", session.StreamEvent: "stream", session.ItemEvent: "item",
	session.StreamEndEvent: "stream-end", session.StreamResetEvent: "stream-reset", session.StopSendingEvent: "stop-sending",
	session.CreditEvent: "stream-credit",
}

// side is one role of a vector's session, through all of its connections.
type side struct {
	t          *testing.T
	vector     *connectionVector
	role       wire.Side
	now        int64
	in         *wire.Input
	handshake  *Handshake
	engine     *Engine
	session    *session.Session
	output     [][]byte
	heard      []heard
	told       bool
	unconsumed map[string][]int64
	items      []session.Event
}

func (s *side) offers() *wire.Offers {
	if s.vector.features != 0 {
		return offersOf(s.vector.features)
	}
	return wire.NoOffers()
}

func (s *side) connect(key []byte) {
	v := s.vector
	windows := [3]uint32{wire.MinWindow, wire.MinWindow, wire.MinWindow}
	if s.role == wire.ClientSide && v.ClientWindows != nil {
		windows = *v.ClientWindows
	}
	options := HandshakeOptions{
		Role: s.role, Encryption: v.Encrypted, Profile: Auto, Secret: v.Secret, MaxMessageBytes: wire.DefaultMaxMessageBytes,
		Windows: windows, Self: wire.PeerInfo{PID: 1, Library: "sealpipe/test"}, Offers: s.offers(), Resumable: v.Resumable,
		NewKeyPair: func() (*ecdh.PrivateKey, error) { return ecdh.P384().NewPrivateKey(key) },
		Random:     func(into []byte) { copy(into, v.SessionID) },
	}
	if s.role == wire.ClientSide && s.session != nil {
		options.Resume = TicketOf(s.session)
	}
	s.in, s.engine, s.told = &wire.Input{}, nil, false
	s.handshake = NewHandshake(options)
	s.output = s.handshake.Start()
}

// listen takes all steps and events that there are.
func (s *side) listen() {
	for s.engine == nil && s.handshake.State() != Closed {
		step, err := s.handshake.Advance(s.in)
		if err == nil && step.Resume != nil {
			var rewindable error
			if s.session != nil {
				rewindable = s.session.CheckRewind(step.Resume)
			}
			step, err = s.handshake.AnswerResume(TicketOf(s.session), rewindable)
		}
		s.output = append(s.output, step.Output...)
		if err != nil {
			s.closed(err)
			return
		}
		if s.handshake.Opened != nil {
			s.open(s.handshake.Opened)
		} else if !step.Progress {
			return
		}
	}
	if s.engine == nil {
		return
	}
	for _, event := range receiveAll(s.engine, s.in, s.now) {
		kind := eventNames[event.Kind]
		if kind == "item" {
			s.items = append(s.items, event)
		}
		s.unconsumed[kind+"s"] = append(s.unconsumed[kind+"s"], event.Position)
		if event.IsAdmin {
			kind = "admin-request"
		}
		s.heard = append(s.heard, heard{kind: kind, event: event})
	}
	if s.engine.Closed() && !s.told {
		s.closed(s.engine.Err())
	}
}

func (s *side) closed(err error) {
	s.told = true
	var known *fault.Error
	code := ""
	if errors.As(err, &known) {
		code = string(known.Code)
	}
	s.heard = append(s.heard, heard{kind: "closed", code: code})
}

func (s *side) open(opened *Opened) {
	if opened.Resumed {
		if err := s.session.Rewind(opened.Hello); err != nil {
			s.t.Fatal(err)
		}
		s.session.Attach(opened.Hello, s.session.Identity())
	} else {
		windows := [3]uint32{wire.MinWindow, wire.MinWindow, wire.MinWindow}
		s.session = session.New(limitsOf(s.role, windows, s.offers()), opened.Hello.Features())
		s.session.Attach(opened.Hello, opened.Identity)
	}
	s.engine = New(s.role, opened, s.session, testLimits, nil, s.now)
	s.heard = append(s.heard, heard{kind: "open", resumed: opened.Resumed})
}

// written is the next part, or all records that there are.
func (s *side) written() []byte {
	if len(s.output) > 0 {
		next := s.output[0]
		s.output = s.output[1:]
		return next
	}
	if s.engine == nil {
		return nil
	}
	output := s.engine.AppendOutput(nil, at(s.now))
	s.engine.Sealer.Seal(output)
	s.engine.OutputLeft(at(s.now))
	return output
}

func (s *side) take(step *connectionStep) {
	s.listen()
	switch {
	case step.From == s.role && step.Part == "end":
		if s.engine != nil && !s.engine.OutputEnded() {
			s.t.Fatal("the output has not ended")
		}
	case step.From == s.role:
		want := append(bytes.Clone(step.Bytes), step.Record...)
		if got := s.written(); !bytes.Equal(got, want) {
			s.t.Fatalf("wrote\n%x, not\n%x", got, want)
		}
	case step.From != "":
		s.isTold(step)
	case step.At == s.role && step.Does != "":
		s.does(step)
	case step.At == s.role:
		for range max(1, step.Times) {
			s.hears(step)
		}
	}
}

func (s *side) isTold(step *connectionStep) {
	switch {
	case step.Part == "end" && s.engine != nil:
		s.engine.ReceiveEnd(nil, s.in.Len() > 0)
	case step.Part == "end" && s.handshake.State() != Closed:
		s.closed(s.handshake.End(nil))
	case step.Part == "end":
	case step.Frame != nil:
		frames := bytes.Repeat(step.Frame, step.Times)
		feed(s.in, binary.BigEndian.AppendUint32(nil, uint32(len(frames))))
		feed(s.in, frames)
	default:
		feed(s.in, step.Bytes)
		feed(s.in, step.Record)
	}
	s.listen()
}

func (s *side) does(step *connectionStep) {
	var err error
	switch step.Does {
	case "message":
		err = s.session.SendMessage(step.Type, step.Data)
	case "request":
		err = s.session.SendRequest(session.Request{ID: step.ID, Type: step.Type, Data: step.Data, Trace: step.trace()})
	case "admin-request":
		err = s.session.SendAdmin(step.ID, wire.Operation(step.Operation), step.Data)
	case "answer":
		err = s.session.SendAnswer(step.ID, step.Data)
	case "fail":
		s.session.SendFailure(step.ID, step.Code, step.Message, nil)
	case "cancel":
		s.session.SendCancel(step.ID)
	case "flush":
		s.engine.AskForAcknowledgement()
	case "consume":
		position := s.unconsumed[step.Lane][0]
		s.unconsumed[step.Lane] = s.unconsumed[step.Lane][1:]
		if step.Lane == "messages" {
			s.session.ConsumeMessage(position)
		} else {
			s.session.ConsumeRequest(position)
		}
		s.engine.Consumed(at(s.now))
	case "wait":
		s.now += step.Ms
		s.engine.HandleTimeout(s.now)
	case "close":
		s.engine.Close(s.now)
	case "cut":
		s.engine.ReceiveEnd(errors.New("cut"), false)
	default:
		err = s.doesWithStreams(step)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *side) doesWithStreams(step *connectionStep) error {
	streams := s.session.Streams()
	switch step.Does {
	case "stream-open":
		id, err := streams.Open(session.Request{Type: step.Type, Data: step.Data, Trace: step.trace()})
		if id != step.ID {
			s.t.Fatalf("the id %d, not %d", id, step.ID)
		}
		return err
	case "item":
		if !streams.HasCredit(step.ID) {
			s.t.Fatal("no credit")
		}
		return streams.Write(step.ID, step.Data)
	case "stream-end":
		streams.End(step.ID)
	case "stream-reset":
		streams.Reset(step.ID, step.Code, step.Message)
	case "stop-sending":
		streams.StopSending(step.ID)
	case "consume-item":
		for _, item := range s.items[:max(1, step.Times)] {
			streams.Consumed(item.ID, item.Weight)
		}
		s.items = s.items[max(1, step.Times):]
	default:
		return fmt.Errorf("a step that this test does not know")
	}
	return nil
}

func (s *side) hears(step *connectionStep) {
	if len(s.heard) == 0 {
		s.t.Fatalf("nothing was heard instead of %s", step.Hears)
	}
	got := s.heard[0]
	s.heard = s.heard[1:]
	code := got.code + got.event.Code
	if got.kind != step.Hears || got.resumed != step.Resumed || code != step.Code || got.event.Text != step.Message ||
		got.event.ID != step.ID || got.event.Type != step.Type+step.Operation || !bytes.Equal(got.event.Data, step.Data) {
		s.t.Fatalf("heard %+v", got)
	}
	if want := step.trace(); !reflect.DeepEqual(got.event.Trace, want) {
		s.t.Fatalf("heard in the trace %+v, not %+v", got.event.Trace, want)
	}
}

func TestNativeConnectionVectors(t *testing.T) {
	replayConnections(t, "native-connections.json", 0)
}

func TestNativeStreamVectors(t *testing.T) {
	replayConnections(t, "native-streams.json", wire.FeatureStreams)
}

func TestNativeContextVectors(t *testing.T) {
	replayConnections(t, "native-context.json", wire.FeatureStreams|wire.FeatureContext|wire.FeatureAdmin)
}

func TestNativeAdminVectors(t *testing.T) {
	replayConnections(t, "native-admin.json", wire.FeatureStreams|wire.FeatureContext|wire.FeatureAdmin)
}

func replayConnections(t *testing.T, file string, features wire.Features) {
	for _, v := range vectors.Load[connectionVector](t, file) {
		v.features = features
		for _, role := range v.Roles {
			t.Run(v.Name+" "+string(role), func(t *testing.T) {
				s := &side{t: t, vector: &v, role: role, unconsumed: map[string][]int64{}}
				for _, connection := range v.Connections {
					key := connection.ServerPrivateKey
					if role == wire.ClientSide {
						key = connection.ClientPrivateKey
					}
					s.connect(key)
					for index := range connection.Steps {
						step := &connection.Steps[index]
						t.Logf("step %d: %s %s %s%s%s", index, step.From, step.At, step.Part, step.Does, step.Hears)
						s.take(step)
					}
					s.listen()
					if len(s.heard) > 0 {
						t.Errorf("heard besides: %+v", s.heard)
					}
					if more := s.written(); len(more) > 0 {
						t.Errorf("written besides: %s", hex.EncodeToString(more))
					}
				}
			})
		}
	}
}
