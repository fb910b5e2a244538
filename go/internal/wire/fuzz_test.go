package wire

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"

	"sealpipe/internal/vectors"
)

// FuzzFrames reads whatever a peer may send as plain records. However the bytes are cut, the same frames come of them, and
// memory follows what has arrived, not what a header claims.
func FuzzFrames(f *testing.F) {
	type vector struct {
		Frames []struct{ Head vectors.Bytes }
	}
	for _, v := range vectors.Load[vector](f, "native-frames.json") {
		for _, frame := range v.Frames {
			f.Add(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame.Head))), frame.Head...), uint16(7))
		}
	}
	f.Add([]byte{0, 0, 0, 3, 1, 2, 3}, uint16(0))
	f.Add([]byte{0, 2, 0, 1}, uint16(1))
	f.Fuzz(func(t *testing.T, said []byte, cut uint16) {
		whole, wholeErr := readFrames(t, said, len(said))
		parts, partsErr := readFrames(t, said, 1+int(cut%61))
		if !reflect.DeepEqual(whole, parts) || (wholeErr == nil) != (partsErr == nil) {
			t.Fatalf("cut: %d frames and %v; whole: %d frames and %v", len(parts), partsErr, len(whole), wholeErr)
		}
		var again []byte
		for _, frame := range whole {
			again = append(again, frame...)
		}
		if wholeErr == nil && len(again) > len(said) {
			t.Fatalf("%d bytes of frames of %d bytes", len(again), len(said))
		}
	})
}

// readFrames gives the bytes to a reader in pieces of that size, and returns copies of the frames that it finds.
func readFrames(t *testing.T, said []byte, piece int) (frames [][]byte, err error) {
	in, reader := &Input{}, &RecordReader{}
	given := 0
	for given < len(said) {
		count := copy(in.Space(), said[given:min(len(said), given+piece)])
		in.Advance(count)
		given += count
		if limit := smallestInputBytes + 4*given; in.Size() > limit {
			t.Fatalf("%d bytes of memory for %d bytes", in.Size(), given)
		}
		for {
			record, err := reader.Read(in)
			if err != nil {
				return frames, err
			}
			if record == nil {
				break
			}
			for len(record) > 0 {
				var frame []byte
				if frame, record, err = CutFrame(record); err != nil {
					return frames, err
				}
				frames = append(frames, bytes.Clone(frame))
			}
		}
	}
	return frames, nil
}

// FuzzHello reads whatever a peer may send as a hello. What is understood means the same once it is encoded again.
func FuzzHello(f *testing.F) {
	type vector struct {
		From  Side
		Frame vectors.Bytes
		Body  vectors.Bytes
	}
	for _, v := range append(vectors.Load[vector](f, "native-hello.json"), vectors.Load[vector](f, "native-features.json")...) {
		if v.Frame == nil {
			v.Frame = append(AppendFrameHeader(nil, KindHello, len(v.Body)), v.Body...)
		}
		f.Add([]byte(v.Frame), v.From == ClientSide)
	}
	f.Fuzz(func(t *testing.T, said []byte, fromClient bool) {
		from := ServerSide
		if fromClient {
			from = ClientSide
		}
		understood, err := DecodeNativeHello(said, from)
		if err != nil {
			return
		}
		again := understood.Encode(from)
		if FrameBytes(again) != len(again) {
			t.Fatalf("a frame of %d bytes says %d", len(again), FrameBytes(again))
		}
		second, err := DecodeNativeHello(again, from)
		if err != nil || !reflect.DeepEqual(understood, second) {
			t.Fatalf("%+v became %+v (%v)", understood, second, err)
		}
		if first := binary.BigEndian.Uint32(said[FrameHeaderBytes:]); first != understood.MaxMessageBytes {
			t.Fatalf("%d is not the first number, %d", understood.MaxMessageBytes, first)
		}
	})
}
