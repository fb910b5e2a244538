package wire

import (
	"encoding/binary"
	"encoding/hex"

	"sealpipe/internal/fault"
)

// TraceContext is the trace that a request or a stream belongs to, as W3C Trace Context has it. Without a Traceparent it is none.
type TraceContext struct {
	// Traceparent is 00-TRACE-PARENT-FLAGS, in hexadecimal digits, lower case.
	Traceparent string
	// Tracestate is up to 512 printable ASCII characters, and may be empty.
	Tracestate string
}

// Source: spec/protocol.md, "Context"; W3C Trace Context, sections 3.2 and 3.3.

const (
	traceparentBytes   = 26
	traceparentDigits  = 55
	maxTracestateBytes = 512
)

// Known is the context in version 0, which is what this end can say of one of a later version; nil if it is none.
func (c TraceContext) Known() (*TraceContext, error) {
	if c.Traceparent == "" {
		return nil, nil
	}
	fields, ok := traceparentFields(c.Traceparent)
	if !ok || contextObjection(fields) != "" {
		return nil, fault.New(fault.InvalidArgument, "the traceparent %q is none of W3C Trace Context", c.Traceparent)
	}
	if !isTracestate(c.Tracestate) {
		return nil, fault.New(fault.InvalidArgument, "a tracestate has at most %d printable ASCII characters", maxTracestateBytes)
	}
	return &TraceContext{"00" + c.Traceparent[2:traceparentDigits], c.Tracestate}, nil
}

// traceparentFields are the bytes of its version, ids and flags. A version above 0 may have more after them.
func traceparentFields(text string) ([]byte, bool) {
	if len(text) < traceparentDigits || text[2] != '-' || text[35] != '-' || text[52] != '-' {
		return nil, false
	}
	if rest := text[traceparentDigits:]; rest != "" && (text[:2] == "00" || rest[0] != '-') {
		return nil, false
	}
	digits := text[:2] + text[3:35] + text[36:52] + text[53:traceparentDigits]
	fields, err := hex.DecodeString(digits)
	return fields, err == nil && hex.EncodeToString(fields) == digits
}

func isTracestate(text string) bool {
	for _, c := range []byte(text) {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return len(text) <= maxTracestateBytes
}

func contextObjection(fields []byte) string {
	isZero := func(id []byte) bool {
		for _, octet := range id {
			if octet != 0 {
				return false
			}
		}
		return true
	}
	switch {
	case fields[0] == 0xff:
		return "a context of the version ff, which there is not"
	case isZero(fields[1:17]) || isZero(fields[17:25]):
		return "a context with an id of zeros"
	default:
		return ""
	}
}

// Frame is the one that goes ahead of the first of a request or a stream. The context is one that is Known.
func (c *TraceContext) Frame(kind Kind, id uint32) []byte {
	fields, _ := traceparentFields(c.Traceparent)
	frame := AppendFrameHeader(nil, kind, 4+len(fields)+len(c.Tracestate))
	frame = append(binary.BigEndian.AppendUint32(frame, id), fields...)
	return append(frame, c.Tracestate...)
}

// DecodeTraceContext reads what follows the id, which has its fixed length at least.
func DecodeTraceContext(body []byte) (*TraceContext, error) {
	fields, state := body[:traceparentBytes], body[traceparentBytes:]
	if objection := contextObjection(fields); objection != "" {
		return nil, InvalidFrame(objection)
	}
	if len(state) > maxTracestateBytes || !isTracestate(string(state)) {
		return nil, InvalidFrame("a context whose tracestate is too long, or is not text")
	}
	text := hex.EncodeToString(fields[1:])
	return &TraceContext{"00-" + text[:32] + "-" + text[32:48] + "-" + text[48:], string(state)}, nil
}
