package wire

import (
	"encoding/binary"

	"sealpipe/internal/fault"
)

const smallestInputBytes = 4_096

// Input collects what arrives until whole units are there. Memory follows what has arrived, never what a header claims.
type Input struct {
	buf        []byte
	start, end int
}

// Space is room for the next read, of at least one byte.
func (in *Input) Space() []byte {
	if in.start == in.end {
		in.start, in.end = 0, 0
	}
	if in.end == len(in.buf) {
		in.makeRoom()
	}
	return in.buf[in.end:]
}

func (in *Input) makeRoom() {
	held := in.end - in.start
	if held > len(in.buf)/2 || in.start == 0 {
		larger := make([]byte, max(smallestInputBytes, 2*len(in.buf)))
		copy(larger, in.buf[in.start:in.end])
		in.buf = larger
	} else {
		copy(in.buf, in.buf[in.start:in.end])
	}
	in.start, in.end = 0, held
}

// Grow has the buffer hold that many bytes at least; whoever reads in large steps asks for it.
func (in *Input) Grow(count int) {
	if len(in.buf) >= count || in.start != in.end {
		return
	}
	in.buf = make([]byte, count)
	in.start, in.end = 0, 0
}

// Shrink gives back memory that a busy time has left, if nothing is held.
func (in *Input) Shrink() {
	if in.start == in.end && len(in.buf) > smallestInputBytes {
		in.buf = nil
		in.start, in.end = 0, 0
	}
}

// Size is how much memory the buffer takes.
func (in *Input) Size() int { return len(in.buf) }

// Advance says that count bytes were read into Space.
func (in *Input) Advance(count int) { in.end += count }

// Len is how many bytes are held.
func (in *Input) Len() int { return in.end - in.start }

// First is the next byte. There is one.
func (in *Input) First() byte { return in.buf[in.start] }

// Take gives the next count bytes, lent until the next call of Space, or nil until they are there.
func (in *Input) Take(count int) []byte {
	if in.Len() < count {
		return nil
	}
	bytes := in.buf[in.start : in.start+count : in.start+count]
	in.start += count
	return bytes
}

// Bounds are the lengths that a frame's payload may have, checked before anything is kept for it.
type Bounds struct {
	Min, Max int
	// TooLarge is the code of a longer one, and What names it.
	TooLarge fault.Code
	What     string
}

// TakeFrame gives the next frame's payload, lent as by Take, or nil until all of it is there.
func (in *Input) TakeFrame(bounds Bounds) ([]byte, error) {
	if in.Len() < LengthBytes {
		return nil, nil
	}
	length := binary.BigEndian.Uint32(in.buf[in.start:])
	if int64(length) < int64(bounds.Min) {
		return nil, fault.New(fault.FrameTooShort, "the peer announced %s of %d bytes; %d is the min", bounds.What, length, bounds.Min)
	}
	if int64(length) > int64(bounds.Max) {
		return nil, fault.New(bounds.TooLarge, "the peer announced %s of %d bytes; %d is the max", bounds.What, length, bounds.Max)
	}
	if in.Len() < LengthBytes+int(length) {
		return nil, nil
	}
	in.start += LengthBytes
	return in.Take(int(length)), nil
}
