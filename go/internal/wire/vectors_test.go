package wire

import (
	"bytes"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"sealpipe/internal/fault"
	"sealpipe/internal/vectors"
)

func privateKey(t *testing.T, bytes []byte) *ecdh.PrivateKey {
	t.Helper()
	key, err := ecdh.P384().NewPrivateKey(bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func equal(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s is\n%x, not\n%x", what, got, want)
	}
}

func inputOf(chunks ...[]byte) *Input {
	in := &Input{}
	for _, chunk := range chunks {
		for len(chunk) > 0 {
			count := copy(in.Space(), chunk)
			in.Advance(count)
			chunk = chunk[count:]
		}
	}
	return in
}

func TestKeyAgreementVectors(t *testing.T) {
	type vector struct {
		Name                              string
		ServerPrivateKey, ServerPublicKey vectors.Bytes
		ClientPrivateKey, ClientPublicKey vectors.Bytes
		SharedSecret                      vectors.Bytes
		Key                               vectors.Bytes
	}
	for _, v := range vectors.Load[vector](t, "key-agreement.json") {
		t.Run(v.Name, func(t *testing.T) {
			server, client := privateKey(t, v.ServerPrivateKey), privateKey(t, v.ClientPrivateKey)
			equal(t, "the server's key", server.PublicKey().Bytes(), v.ServerPublicKey)
			for _, side := range []struct {
				own  *ecdh.PrivateKey
				peer []byte
			}{{server, v.ClientPublicKey}, {client, v.ServerPublicKey}} {
				shared, err := Agree(side.own, side.peer)
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "the shared secret", shared, v.SharedSecret)
				key := ClassicKey(shared)
				equal(t, "the key", key[:], v.Key)
			}
		})
	}
}

func TestFrameVectors(t *testing.T) {
	type vector struct {
		Name        string
		Encrypted   bool
		Type        uint32
		Data        vectors.Bytes
		DataPattern *vectors.Pattern
		Key, Nonce  vectors.Bytes
		Frame       vectors.Bytes
		FrameBytes  int
		FrameSha256 vectors.Bytes
	}
	for _, v := range vectors.Load[vector](t, "frames.json") {
		t.Run(v.Name, func(t *testing.T) {
			data := []byte(v.Data)
			if v.DataPattern != nil {
				data = v.DataPattern.Fill(0)
			}
			frame := AppendClassicFrame(nil, v.Encrypted, v.Type, data)
			var cipher *ClassicCipher
			if v.Encrypted {
				cipher = NewClassicCipher(v.Key)
				cipher.SealClassicFrames(frame, func(nonce []byte) { copy(nonce, v.Nonce) })
			}
			if v.Frame != nil {
				equal(t, "the frame", frame, v.Frame)
			} else {
				hash := sha256.Sum256(frame)
				equal(t, "the frame's hash", hash[:], v.FrameSha256)
			}

			payload, err := inputOf(frame).TakeFrame(ClassicBounds(v.Encrypted, DefaultMaxMessageBytes))
			if cipher != nil && err == nil {
				payload, err = cipher.Open(payload)
			}
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "what is read", payload[TypeBytes:], data)
		})
	}
}

func TestKeyScheduleVectors(t *testing.T) {
	type direction struct{ Secrets, Keys, Ivs []vectors.Bytes }
	type vector struct {
		Name                             string
		ServerPublicKey, ClientPublicKey vectors.Bytes
		SharedSecret, Secret             vectors.Bytes
		Nonce, MaximumSizeFrame          vectors.Bytes
		Transcript, ResumptionKey        vectors.Bytes
		Client, Server                   direction
		Proofs                           []struct {
			Side      Side
			SessionID vectors.Bytes
			Received  Positions
			Proof     vectors.Bytes
		}
	}
	for _, v := range vectors.Load[vector](t, "native-key-schedule.json") {
		t.Run(v.Name, func(t *testing.T) {
			equal(t, "the nonce", NativeNonce(v.ServerPublicKey, v.ClientPublicKey), v.Nonce)
			transcript := Transcript(v.ServerPublicKey, v.ClientPublicKey, v.MaximumSizeFrame)
			equal(t, "the transcript", transcript, v.Transcript)
			secrets := DeriveNativeSecrets(v.SharedSecret, transcript, v.Secret)
			equal(t, "the resumption key", secrets.Resumption, v.ResumptionKey)
			checkDirection(t, secrets.Client, v.Client.Secrets, v.Client.Ivs)
			checkDirection(t, secrets.Server, v.Server.Secrets, v.Server.Ivs)
			for _, p := range v.Proofs {
				proof := ResumptionProof(p.Side, v.ResumptionKey, transcript, SessionID(p.SessionID), p.Received[:LanesOfAll])
				equal(t, "the proof", proof[:], p.Proof)
			}
		})
	}
}

func checkDirection(t *testing.T, secret []byte, secrets, ivs []vectors.Bytes) {
	t.Helper()
	p := newProtection(bytes.Clone(secret), 1)
	for n := range secrets {
		p.next()
		equal(t, fmt.Sprintf("secret %d", n), p.secret, secrets[n])
		equal(t, fmt.Sprintf("iv %d", n), p.iv[:], ivs[n])
	}
}

func TestRecordVectors(t *testing.T) {
	type record struct {
		Number        int
		Frames        vectors.Bytes
		FramesPattern *vectors.Pattern
		Record        vectors.Bytes
		RecordSha256  vectors.Bytes
	}
	type vector struct {
		Name          string
		TrafficSecret vectors.Bytes
		RecordsPerKey int
		Records       []record
		Refused       []struct {
			Name    string
			Numbers []int
			Outcome fault.Code
		}
	}
	for _, v := range vectors.Load[vector](t, "native-records.json") {
		t.Run(v.Name, func(t *testing.T) {
			writer, reader := &RecordWriter{}, &RecordReader{}
			newReader := func() *RecordReader {
				return NewRecordReader(bytes.Clone(v.TrafficSecret), v.RecordsPerKey)
			}
			if v.TrafficSecret != nil {
				writer, reader = NewRecordWriter(bytes.Clone(v.TrafficSecret), v.RecordsPerKey), newReader()
			}
			var records [][]byte
			for _, r := range v.Records {
				frames := []byte(r.Frames)
				if r.FramesPattern != nil {
					frames = r.FramesPattern.Fill(0)
				}
				sealed := writer.FinishRecord(append(make([]byte, LengthBytes), frames...), 0)
				writer.Seal(sealed)
				if r.Record != nil {
					equal(t, "the record", sealed, r.Record)
				} else {
					hash := sha256.Sum256(sealed)
					equal(t, "the record's hash", hash[:], r.RecordSha256)
				}
				records = append(records, bytes.Clone(sealed))
				read, err := reader.Read(inputOf(sealed))
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "what is read", read, frames)
			}
			for _, refused := range v.Refused {
				reader := newReader()
				var err error
				for _, number := range refused.Numbers {
					if _, err = reader.Read(inputOf(records[number])); err != nil {
						break
					}
				}
				if !errors.Is(err, refused.Outcome) {
					t.Errorf("%s: %v", refused.Name, err)
				}
			}
		})
	}
}

func TestHelloVectors(t *testing.T) {
	type hello struct {
		MaxMessageBytes                          uint32
		Windows                                  [3]uint32
		PID                                      uint32
		Library, Application, ApplicationVersion string
		Session                                  string
		SessionID                                vectors.Bytes
		Received                                 Positions
		Proof                                    vectors.Bytes
		Code, Message                            string
		Offers                                   *struct {
			Features                                             Features
			StreamLaneWindow, MaxConcurrentStreams, StreamWindow uint32
			ReceivedStreams                                      int64
			Codec                                                string
			Contracts                                            []struct {
				Name, Version string
				Hash          vectors.Bytes
			}
			SessionEnded string
		}
	}
	type vector struct {
		Name    string
		From    Side
		Hello   *hello
		Frame   vectors.Bytes
		Body    vectors.Bytes
		Outcome fault.Code
	}
	wishes := map[string]SessionWish{"none": SessionNone, "new": SessionNew, "resume": SessionResume, "resumed": SessionResume, "refused": SessionRefused}
	all := append(vectors.Load[vector](t, "native-hello.json"), vectors.Load[vector](t, "native-features.json")...)
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			if v.Hello == nil {
				frame := append(AppendFrameHeader(nil, KindHello, len(v.Body)), v.Body...)
				if _, err := DecodeNativeHello(frame, v.From); !errors.Is(err, v.Outcome) {
					t.Errorf("%v, not %s", err, v.Outcome)
				}
				return
			}
			want := &NativeHello{
				MaxMessageBytes: v.Hello.MaxMessageBytes, Windows: v.Hello.Windows,
				Peer: PeerInfo{
					PID: v.Hello.PID, Library: v.Hello.Library,
					Application: v.Hello.Application, ApplicationVersion: v.Hello.ApplicationVersion,
				},
				Session: wishes[v.Hello.Session], Received: v.Hello.Received,
				RefusalCode: v.Hello.Code, RefusalText: v.Hello.Message,
			}
			if o := v.Hello.Offers; o != nil {
				want.Offers = &Offers{
					Features: o.Features, StreamLaneWindow: o.StreamLaneWindow, MaxConcurrentStreams: o.MaxConcurrentStreams,
					StreamWindow: o.StreamWindow, ReceivedStreams: o.ReceivedStreams, Codec: o.Codec, SessionEnded: o.SessionEnded,
				}
				for _, contract := range o.Contracts {
					want.Offers.Contracts = append(want.Offers.Contracts, Contract{contract.Name, contract.Version, [32]byte(contract.Hash)})
				}
			}
			copy(want.ID[:], v.Hello.SessionID)
			copy(want.Proof[:], v.Hello.Proof)
			equal(t, "the frame", want.Encode(v.From), v.Frame)
			got, err := DecodeNativeHello(v.Frame, v.From)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("read\n%+v, not\n%+v", got, want)
			}
		})
	}
}

func TestAHelloIsAllOfItsRecordAndMayHaveMoreAfterItsLastField(t *testing.T) {
	hello := (&NativeHello{Windows: [3]uint32{MinWindow, MinWindow, MinWindow}, Offers: NoOffers()}).Encode(ClientSide)
	longer := append(AppendFrameHeader(nil, KindHello, len(hello)-FrameHeaderBytes+3), hello[FrameHeaderBytes:]...)
	if _, err := DecodeNativeHello(append(longer, 1, 2, 3), ClientSide); err != nil {
		t.Errorf("further fields: %v", err)
	}
	for name, record := range map[string][]byte{
		"two frames":   append(bytes.Clone(hello), 0x06, 0, 0, 0),
		"another kind": {0x04, 0, 0, 4, 0, 0, 0, 1},
		"cut short":    hello[:len(hello)-1],
		"no header":    hello[:3],
	} {
		if _, err := DecodeNativeHello(record, ClientSide); !errors.Is(err, fault.FrameInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInvalidPublicKeysAreRefused(t *testing.T) {
	key := privateKey(t, bytes.Repeat([]byte{1}, 48))
	own := key.PublicKey().Bytes()
	notOnTheCurve := bytes.Clone(own)
	notOnTheCurve[96] ^= 1
	for name, point := range map[string][]byte{
		"our own":          own,
		"not on the curve": notOnTheCurve,
		"compressed":       append([]byte{2}, own[1:49]...),
		"another form":     append([]byte{6}, own[1:]...),
		"at infinity":      {0},
		"zeros":            make([]byte, PublicKeyBytes),
	} {
		if _, err := Agree(key, point); !errors.Is(err, fault.InvalidPublicKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMemoryFollowsWhatArrivedAndNotWhatAHeaderClaims(t *testing.T) {
	in := inputOf([]byte{0x3f, 0xff, 0xff, 0xff, 1})
	payload, err := in.TakeFrame(Bounds{Min: 4, Max: MaxMaxMessageBytes})
	if payload != nil || err != nil {
		t.Fatal(hex.EncodeToString(payload), err)
	}
	in.Space()
	if in.Size() > smallestInputBytes {
		t.Errorf("%d bytes were taken for a frame of which one has come", in.Size())
	}
}
