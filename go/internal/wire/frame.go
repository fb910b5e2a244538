package wire

import (
	"encoding/binary"

	"sealpipe/internal/fault"
)

// Kind is the kind of a native frame. Source: spec/protocol.md, "Native frame".
type Kind byte

const (
	KindHello           Kind = 0x01
	KindAcknowledge     Kind = 0x02
	KindAcknowledgeSoon Kind = 0x03
	KindPing            Kind = 0x04
	KindPong            Kind = 0x05
	KindClose           Kind = 0x06
	KindMessage         Kind = 0x10
	KindMessageStart    Kind = 0x11
	KindMessagePart     Kind = 0x12
	KindRequest         Kind = 0x20
	KindRequestStart    Kind = 0x21
	KindRequestPart     Kind = 0x22
	KindRequestContext  Kind = 0x23
	KindAdminRequest    Kind = 0x24
	KindAnswer          Kind = 0x30
	KindAnswerStart     Kind = 0x31
	KindAnswerPart      Kind = 0x32
	KindFailure         Kind = 0x33
	KindCancel          Kind = 0x34
	KindFailureWithData Kind = 0x35
	KindStreamOpen      Kind = 0x40
	KindStreamOpenStart Kind = 0x41
	KindItem            Kind = 0x42
	KindItemStart       Kind = 0x43
	KindStreamPart      Kind = 0x44
	KindStreamEnd       Kind = 0x45
	KindStreamReset     Kind = 0x46
	KindStopSending     Kind = 0x47
	KindStreamCredit    Kind = 0x48
	KindStreamContext   Kind = 0x49
)

const (
	// FrameHeaderBytes is a frame's kind and the length of its body.
	FrameHeaderBytes = 4
	// MaxBodyBytes is the largest body of a frame that we send: it leaves room in its record for an acknowledgement.
	MaxBodyBytes = MaxRecordBytes - 1_024 - FrameHeaderBytes
	// MinPartBytes is the min of a part that is not its body's last.
	MinPartBytes = 16_384
)

// AppendFrameHeader appends the header of a frame whose body has that many bytes.
func AppendFrameHeader(dst []byte, kind Kind, bodyBytes int) []byte {
	return append(dst, byte(kind), byte(bodyBytes>>16), byte(bodyBytes>>8), byte(bodyBytes))
}

// AppendUint32Frame appends a frame whose body is one number, such as a ping.
func AppendUint32Frame(dst []byte, kind Kind, value uint32) []byte {
	return binary.BigEndian.AppendUint32(AppendFrameHeader(dst, kind, 4), value)
}

// FrameBytes is the length of the frame at the start of frames, of which the header is there.
func FrameBytes(frames []byte) int {
	return FrameHeaderBytes + (int(frames[1])<<16 | int(frames[2])<<8 | int(frames[3]))
}

// CutFrame splits a record's frames after the first.
func CutFrame(frames []byte) (frame, rest []byte, err error) {
	if len(frames) < FrameHeaderBytes || FrameBytes(frames) > len(frames) {
		return nil, nil, InvalidFrame("a frame that ends outside its record")
	}
	length := FrameBytes(frames)
	return frames[:length:length], frames[length:], nil
}

// InvalidFrame is what a peer did that the spec's frames do not allow.
func InvalidFrame(what string) error {
	return fault.New(fault.FrameInvalid, "the peer sent %s", what)
}

// Positions are those of the lanes: messages, requests, answers, streams. Source: spec/protocol.md, "Lanes".
type Positions [4]int64

const (
	// LanesOfAll is how many lanes every session has, and LanesWithStreams how many one of two ends with streams has.
	LanesOfAll       = 3
	LanesWithStreams = 4

	positionBytes = 8
)

// MaxPosition is the largest that a peer may say; none reaches it.
const MaxPosition = 1<<53 - 1

func (p Positions) append(dst []byte, lanes int) []byte {
	for _, position := range p[:lanes] {
		dst = binary.BigEndian.AppendUint64(dst, uint64(position))
	}
	return dst
}

// AppendAcknowledge appends a frame that says how far each of the lanes was consumed.
func AppendAcknowledge(dst []byte, consumed Positions, lanes int) []byte {
	return consumed.append(AppendFrameHeader(dst, KindAcknowledge, positionBytes*lanes), lanes)
}

// DecodePositions reads the positions of the first lanes, at the start of body.
func DecodePositions(body []byte, lanes int) (Positions, error) {
	var positions Positions
	if len(body) < positionBytes*lanes {
		return positions, InvalidFrame("positions that are cut short")
	}
	for lane := range lanes {
		position := binary.BigEndian.Uint64(body[positionBytes*lane:])
		if position > MaxPosition {
			return positions, InvalidFrame("a position of 2^53 or more")
		}
		positions[lane] = int64(position)
	}
	return positions, nil
}

// DecodeToken reads the token of a ping or pong.
func DecodeToken(body []byte) (uint32, error) {
	if len(body) < 4 {
		return 0, InvalidFrame("a ping or pong that is too short")
	}
	return binary.BigEndian.Uint32(body), nil
}

const (
	// MaxFailureCodeBytes is the length of the longest code of a failure.
	MaxFailureCodeBytes = 64
	// MaxFailureDataBytes is the most data of a failure: with its code and message they have to fit into one frame.
	MaxFailureDataBytes = 65_536
)

// IsFailureCode reports whether a failure can carry that code. Source: spec/protocol.md, "Requests".
func IsFailureCode(code string) bool {
	if len(code) == 0 || len(code) > MaxFailureCodeBytes {
		return false
	}
	for _, c := range []byte(code) {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}
