package wire

import (
	"bytes"
	"testing"
)

func TestARecordOfLentFramesIsTheSameAsOneOfCopiedFrames(t *testing.T) {
	frames := [][]byte{bytes.Repeat([]byte{1}, 20_000), []byte("\x04\x00\x00\x04abcd"), bytes.Repeat([]byte{2}, 30_000)}
	secret := bytes.Repeat([]byte{7}, SecretBytes)
	lends := NewRecordWriter(bytes.Clone(secret), RecordsPerKey)
	copies := NewRecordWriter(bytes.Clone(secret), RecordsPerKey)
	for round := range 2 { // What was lent once is forgotten.
		frames[round] = append(frames[round], byte(round))
		var want, got []byte
		for index, frame := range frames {
			start := len(want)
			want = copies.FinishRecord(append(append(want, 0, 0, 0, 0), frame...), start)
			if index%2 == 0 {
				got = lends.LendRecord(got, frame)
			} else {
				got = lends.FinishRecord(append(append(got, 0, 0, 0, 0), frame...), len(got))
			}
		}
		copies.Seal(want)
		lends.Seal(got)
		if !bytes.Equal(got, want) {
			t.Fatal("other bytes")
		}
	}
	if frames[0][0] != 1 || frames[2][29_999] != 2 {
		t.Error("the frames have changed")
	}
}
