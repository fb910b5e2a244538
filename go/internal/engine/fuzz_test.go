package engine

import (
	"bytes"
	"crypto/ecdh"
	"encoding/binary"
	"testing"

	"sealpipe/internal/session"
	"sealpipe/internal/vectors"
	"sealpipe/internal/wire"
)

// FuzzNative gives a plain native engine whatever a peer may say: it ends with an error of the peer's at the most, holds no more
// than its windows allow, and what it writes are records of whole frames.
func FuzzNative(f *testing.F) {
	for _, v := range vectors.Load[frameVector](f, "native-frames.json") {
		record := []byte(v.Record)
		for _, frame := range v.frames() {
			if len(frame) < 1_000 {
				record = append(binary.BigEndian.AppendUint32(record, uint32(len(frame))), frame...)
			}
		}
		f.Add(record, uint16(7))
	}
	for _, file := range []string{"native-streams.json", "native-context.json", "native-admin.json"} {
		for _, v := range vectors.Load[connectionVector](f, file) {
			if !v.Encrypted {
				f.Add(saidAfterHello(&v), uint16(9))
			}
		}
	}
	f.Fuzz(func(t *testing.T, said []byte, choices uint16) {
		e, s := plainEngine(wire.ServerSide, wire.FeatureStreams|wire.FeatureContext|wire.FeatureFailureData)
		_ = s.SendMessage(1, []byte("hello"))
		_ = s.SendRequest(session.Request{ID: 1, Type: 1, Data: make([]byte, 20_000)})
		in, now := &wire.Input{}, int64(0)
		for len(said) > 0 {
			count := min(len(said), 1+int(choices%97))
			feed(in, said[:count])
			said = said[count:]
			for _, event := range receiveAll(e, in, now) {
				switch {
				case event.Kind == session.MessageEvent && choices&1 == 0:
					s.ConsumeMessage(event.Position)
				case event.Kind == session.RequestEvent && choices&2 == 0:
					s.ConsumeRequest(event.Position)
					_ = s.SendAnswer(event.ID, event.Data)
				default:
					streamWith(s.Streams(), &event, choices)
				}
				e.Consumed(at(now))
			}
			checkRecords(t, e.AppendOutput(nil, at(now)))
			e.OutputLeft(at(now))
			now += int64(choices % 50)
			e.HandleTimeout(now)
			if choices%11 == 0 && !e.isEnding() {
				e.Close(now)
			}
		}
		e.ReceiveEnd(nil, in.Len() > 0)
		if !e.Closed() {
			t.Error("it goes on after the transport's end")
		}
		if kept := s.KeptBytes(); kept < 0 || kept > 64<<20 {
			t.Errorf("%d bytes are kept", s.KeptBytes())
		}
	})
}

// saidAfterHello is what the client says in its first connection, in records.
func saidAfterHello(v *connectionVector) (said []byte) {
	for _, step := range v.Connections[0].Steps {
		if step.From != wire.ClientSide || len(step.Record) > 0 && wire.Kind(step.Record[wire.LengthBytes]) == wire.KindHello {
			continue
		}
		said = append(said, step.Record...)
		if step.Frame != nil && step.Times == 1 {
			said = append(binary.BigEndian.AppendUint32(said, uint32(len(step.Frame))), step.Frame...)
		}
	}
	return said
}

// streamWith does what an application may that has a stream.
func streamWith(streams *session.Streams, event *session.Event, choices uint16) {
	if event.Kind == session.ItemEvent && choices&4 == 0 {
		streams.Consumed(event.ID, event.Weight)
	}
	if event.Kind < session.StreamEvent {
		return
	}
	switch choices % 7 {
	case 0:
		streams.End(event.ID)
	case 1:
		streams.StopSending(event.ID)
	case 2:
		streams.Reset(event.ID, "NO", "more")
	case 3:
		if streams.CanOpen() {
			_, _ = streams.Open(session.Request{Type: 1, Data: event.Data})
		}
	default:
		if streams.HasCredit(event.ID) {
			_ = streams.Write(event.ID, event.Data)
		}
	}
}

func checkRecords(t *testing.T, records []byte) {
	for len(records) > 0 {
		length := int(binary.BigEndian.Uint32(records))
		if length < wire.FrameHeaderBytes || length > wire.MaxRecordBytes {
			t.Fatalf("a record of %d bytes", length)
		}
		frames := records[wire.LengthBytes : wire.LengthBytes+length]
		for len(frames) > 0 {
			var err error
			if _, frames, err = wire.CutFrame(frames); err != nil {
				t.Fatal(err)
			}
		}
		records = records[wire.LengthBytes+length:]
	}
}

var fuzzKey, _ = ecdh.P384().NewPrivateKey(bytes.Repeat([]byte{1}, 48))

// FuzzHandshake gives either side whatever a peer may say.
func FuzzHandshake(f *testing.F) {
	for _, v := range vectors.Load[handshakeVector](f, "handshakes.json") {
		for _, role := range []wire.Side{wire.ClientSide, wire.ServerSide} {
			var said []byte
			for _, step := range v.Steps {
				if step.From != role {
					said = append(said, step.Bytes...)
				}
			}
			f.Add(said, role == wire.ClientSide, v.Encrypted)
		}
	}
	f.Fuzz(func(t *testing.T, said []byte, client, encryption bool) {
		role := wire.ServerSide
		if client {
			role = wire.ClientSide
		}
		h := NewHandshake(HandshakeOptions{
			Role: role, Encryption: encryption, Profile: Auto, MaxMessageBytes: wire.DefaultMaxMessageBytes, Windows: anyWindows, Offers: wire.NoOffers(), Resumable: true,
			NewKeyPair: func() (*ecdh.PrivateKey, error) { return fuzzKey, nil }, Random: func([]byte) {},
		})
		in := &wire.Input{}
		h.Start()
		for _, octet := range said {
			feed(in, []byte{octet})
			if h.Opened != nil || h.State() == Closed {
				return
			}
			for h.Opened == nil && h.State() != Closed {
				step, err := h.Advance(in)
				if err == nil && step.Resume != nil {
					step, err = h.AnswerResume(nil, nil)
				}
				if err != nil || !step.Progress {
					break
				}
			}
			if in.Len() > 256+wire.LengthBytes && h.Opened == nil && h.reader == nil {
				t.Fatalf("%d bytes are held in %s", in.Len(), h.State())
			}
		}
	})
}
