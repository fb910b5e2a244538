package main

import (
	"bytes"
	"strings"
)

const nativeFramesDescription = "The frames of the native profile, each in a record of its own; those of long bodies end " +
	"in a pattern, byte i = (31 i + 17 seed + 7 floor(i / 256)) mod 256. A receiver that has sent what `before` says, and " +
	"whose maxMessageBytes is 3145728, makes of them what `says` has, which is how a writer puts it, too, where `read` " +
	"does not say that it need not; or it must end with the code that is the outcome. Where a whole record is given, it " +
	"is that and not its frames. All bytes are lower-case hex."

type nativeFrameVector struct {
	Name    string        `json:"name"`
	Before  []saying      `json:"before,omitempty"`
	Frames  []nativeFrame `json:"frames,omitempty"`
	Record  hexBytes      `json:"record,omitempty"`
	Read    string        `json:"read,omitempty"`
	Says    *saying       `json:"says,omitempty"`
	Outcome string        `json:"outcome,omitempty"`
}

// nativeFrame is its bytes, and what they end in where that is long.
type nativeFrame struct {
	Head        hexBytes       `json:"head"`
	TailPattern *patternVector `json:"tailPattern,omitempty"`
	// TailStart is where in the pattern the tail begins.
	TailStart int `json:"tailStart,omitempty"`
}

// saying is one of the kinds of frames with its fields, or what large ones come to.
type saying struct {
	Kind        string         `json:"kind"`
	ID          *uint32        `json:"id,omitempty"`
	Type        *uint32        `json:"type,omitempty"`
	Data        *hexBytes      `json:"data,omitempty"`
	DataPattern *patternVector `json:"dataPattern,omitempty"`
	Code        string         `json:"code,omitempty"`
	Message     string         `json:"message,omitempty"`
	Token       *uint32        `json:"token,omitempty"`
	Taken       *positions     `json:"taken,omitempty"`
}

const (
	kindAcknowledge, kindSoon, kindPing, kindPong, kindClose = 0x02, 0x03, 0x04, 0x05, 0x06
	kindMessage, kindRequest, kindAnswer                     = 0x10, 0x20, 0x30
	kindFailure, kindCancel                                  = 0x33, 0x34
	mostBodyBytes                                            = 130044
	leastPart                                                = 16384
	frameOverhead                                            = 64
)

func nativeFrameVectors() []nativeFrameVector {
	return append(append(smallFrames(), largeBodies()...), badNativeFrames()...)
}

func number(value uint32) *uint32 { return &value }

func bytesOf(data []byte) *hexBytes {
	given := hexBytes(data)
	return &given
}

func short(kind byte, fields ...[]byte) nativeFrame {
	body := join(fields...)
	return nativeFrame{Head: join([]byte{kind}, uint24Bytes(len(body)), body)}
}

func smallFrames() []nativeFrameVector {
	made := func(name string, says saying, kind byte, fields ...[]byte) nativeFrameVector {
		return nativeFrameVector{Name: name, Says: &says, Frames: []nativeFrame{short(kind, fields...)}}
	}
	data := pattern(5, 1)
	taken := positions{4 + 4 + frameOverhead, 0, 0}
	acknowledge := made("An acknowledgement of one empty message.", saying{Kind: "acknowledge", Taken: &taken}, kindAcknowledge, taken.bytes())
	acknowledge.Before = []saying{{Kind: "message", Type: number(1), Data: bytesOf(nil)}}
	return []nativeFrameVector{
		acknowledge,
		made("A wish for an acknowledgement soon.", saying{Kind: "acknowledge-soon"}, kindSoon),
		made("A ping.", saying{Kind: "ping", Token: number(1)}, kindPing, uint32Bytes(1)),
		made("A pong.", saying{Kind: "pong", Token: number(1<<32 - 1)}, kindPong, uint32Bytes(1<<32-1)),
		made("A close.", saying{Kind: "close"}, kindClose),
		made("A message.", saying{Kind: "message", Type: number(7), Data: bytesOf(data)}, kindMessage, uint32Bytes(7), data),
		made("An empty message of the highest type.", saying{Kind: "message", Type: number(1<<32 - 1), Data: bytesOf(nil)}, kindMessage, uint32Bytes(1<<32-1)),
		made("A request.", saying{Kind: "request", ID: number(1), Type: number(7), Data: bytesOf(data)}, kindRequest, uint32Bytes(1), uint32Bytes(7), data),
		made("An empty request with the highest id.", saying{Kind: "request", ID: number(1<<32 - 1), Type: number(1), Data: bytesOf(nil)}, kindRequest, uint32Bytes(1<<32-1), uint32Bytes(1)),
		made("An answer.", saying{Kind: "answer", ID: number(1), Data: bytesOf(data)}, kindAnswer, uint32Bytes(1), data),
		made("An empty answer.", saying{Kind: "answer", ID: number(2), Data: bytesOf(nil)}, kindAnswer, uint32Bytes(2)),
		failure("A failure.", 1, "ERR_NO_HANDLER", "nobody handles 7"),
		failure("A failure without a message.", 2, "E", ""),
		failure("A failure with the longest code, and a message of several bytes a character.", 3, strings.Repeat("A", 64), "Grüße €😀"),
		made("A cancel.", saying{Kind: "cancel", ID: number(1)}, kindCancel, uint32Bytes(1)),
	}
}

func failure(name string, id uint32, code, message string) nativeFrameVector {
	says := saying{Kind: "failure", ID: number(id), Code: code, Message: message}
	frame := short(kindFailure, uint32Bytes(id), []byte{byte(len(code))}, []byte(code), []byte(message))
	return nativeFrameVector{Name: name, Says: &says, Frames: []nativeFrame{frame}}
}

// largeBodies has bodies around what fits into one frame, and far larger ones.
func largeBodies() []nativeFrameVector {
	id, kind7 := uint32Bytes(9), uint32Bytes(7)
	message := func(bytes int) nativeFrameVector {
		says := saying{Kind: "message", Type: number(7), DataPattern: &patternVector{bytes, 1}}
		return nativeFrameVector{Says: &says, Frames: cut(kindMessage, kind7, nil, *says.DataPattern, mostBodyBytes)}
	}
	request := func(bytes int) nativeFrameVector {
		says := saying{Kind: "request", ID: number(9), Type: number(7), DataPattern: &patternVector{bytes, 2}}
		return nativeFrameVector{Says: &says, Frames: cut(kindRequest, join(id, kind7), id, *says.DataPattern, mostBodyBytes)}
	}
	answer := func(bytes int) nativeFrameVector {
		says := saying{Kind: "answer", ID: number(9), DataPattern: &patternVector{bytes, 3}}
		return nativeFrameVector{Says: &says, Frames: cut(kindAnswer, id, id, *says.DataPattern, mostBodyBytes)}
	}
	named := func(name string, vector nativeFrameVector) nativeFrameVector {
		vector.Name = name
		return vector
	}
	otherwise := message(60000)
	otherwise.Frames = cut(kindMessage, kind7, nil, patternVector{60000, 1}, leastPart+8)
	otherwise.Read = "only"
	return []nativeFrameVector{
		named("The largest message in one frame.", message(mostBodyBytes-4)),
		named("The smallest message in two frames.", message(mostBodyBytes-3)),
		named("A message in four frames.", message(400000)),
		named("The largest request in one frame.", request(mostBodyBytes-8)),
		named("The smallest request in two frames.", request(mostBodyBytes-7)),
		named("A request in three frames.", request(300000)),
		named("The largest answer in one frame.", answer(mostBodyBytes-4)),
		named("The smallest answer in two frames.", answer(mostBodyBytes-3)),
		named("An answer in three frames.", answer(300000)),
		named("A message that was cut into the smallest parts, though it need not have been.", otherwise),
	}
}

// cut makes the frames of a body, of which none has more than so many bytes of body.
func cut(kind byte, fields, partFields []byte, data patternVector, most int) []nativeFrame {
	if len(fields)+data.Bytes <= most {
		return []nativeFrame{long(kind, fields, data, 0, data.Bytes)}
	}
	head := join(fields, uint32Bytes(uint32(data.Bytes)))
	var frames []nativeFrame
	for start := 0; start < data.Bytes; {
		count := min(most-len(head), data.Bytes-start)
		frames = append(frames, long(kind+1+byte(min(start, 1)), head, data, start, count))
		start += count
		head = partFields
	}
	return frames
}

func long(kind byte, fields []byte, data patternVector, start, count int) nativeFrame {
	return nativeFrame{Head: join([]byte{kind}, uint24Bytes(len(fields)+count), fields), TailPattern: &patternVector{count, data.Seed}, TailStart: start}
}

// whole is the frame's bytes.
func (f nativeFrame) whole() []byte {
	if f.TailPattern == nil {
		return f.Head
	}
	return join(f.Head, pattern(f.TailStart+f.TailPattern.Bytes, f.TailPattern.Seed)[f.TailStart:])
}

func badNativeFrames() []nativeFrameVector {
	bad := func(name string, frames ...nativeFrame) nativeFrameVector {
		return nativeFrameVector{Name: name, Frames: frames, Outcome: frameInvalid}
	}
	tooLargeBody := func(name string, frames ...nativeFrame) nativeFrameVector {
		return nativeFrameVector{Name: name, Frames: frames, Outcome: tooLarge}
	}
	record := func(name string, frames []byte) nativeFrameVector {
		return nativeFrameVector{Name: name, Record: frame(frames), Outcome: frameInvalid}
	}
	id, one, large := uint32Bytes(1), uint32Bytes(1), uint32Bytes(100000)
	start := func(kind byte, fields []byte, bytes int) nativeFrame {
		return long(kind, fields, patternVector{bytes, 1}, 0, bytes)
	}
	var made []nativeFrameVector
	for _, kind := range []struct {
		name  string
		kind  byte
		fixed int
	}{
		{"An acknowledgement", kindAcknowledge, 24}, {"A ping", kindPing, 4}, {"A pong", kindPong, 4},
		{"A message", kindMessage, 4}, {"A message's start", kindMessage + 1, 8},
		{"A request", kindRequest, 8}, {"A request's start", kindRequest + 1, 12}, {"A request's part", kindRequest + 2, 4},
		{"An answer", kindAnswer, 4}, {"An answer's start", kindAnswer + 1, 8}, {"An answer's part", kindAnswer + 2, 4},
		{"A failure", kindFailure, 6}, {"A cancel", kindCancel, 4},
	} {
		made = append(made, bad(kind.name+" that lacks the last byte of its fixed part.", short(kind.kind, bytes.Repeat([]byte{1}, kind.fixed-1))))
	}
	for _, kind := range []byte{0x00, 0x07, 0x0f, 0x13, 0x23, 0x35, 0x40, 0xff} {
		name := "A kind that there is not, 0x" + string("0123456789abcdef"[kind>>4]) + string("0123456789abcdef"[kind&15]) + "."
		made = append(made, bad(name, short(kind, bytes.Repeat([]byte{1}, 24))))
	}
	return append(made,
		bad("A hello that is not the first record.", nativeFrame{Head: nativeHelloVectors()[0].Frame}),
		record("A frame that ends outside of its record.", []byte{kindMessage, 0, 0, 5, 0, 0, 0, 1}),
		record("A header that ends outside of its record.", join(soonFrame, []byte{kindMessage, 0, 0})),
		bad("A message of type 0.", short(kindMessage, uint32Bytes(0))),
		bad("A request of type 0.", short(kindRequest, id, uint32Bytes(0))),
		bad("A large message of type 0.", start(kindMessage+1, join(uint32Bytes(0), large), leastPart)),
		bad("A message's part without a start.", start(kindMessage+2, nil, leastPart)),
		bad("A request's part without a start.", start(kindRequest+2, id, leastPart)),
		bad("An answer's part of another body.", start(kindAnswer+1, join(id, large), leastPart), start(kindAnswer+2, uint32Bytes(2), leastPart)),
		bad("A start that is all of the body.", start(kindMessage+1, join(one, uint32Bytes(leastPart)), leastPart)),
		bad("A start with a byte less than a part has.", start(kindMessage+1, join(one, large), leastPart-1)),
		bad("A part with a byte less than it has.", start(kindMessage+1, join(one, large), leastPart), start(kindMessage+2, nil, leastPart-1)),
		bad("A part with more than is missing.", start(kindMessage+1, join(one, uint32Bytes(leastPart+9)), leastPart), start(kindMessage+2, nil, 10)),
		bad("A message within another.", start(kindMessage+1, join(one, large), leastPart), short(kindMessage, one)),
		bad("A large message within another.", start(kindMessage+1, join(one, large), leastPart), start(kindMessage+1, join(one, large), leastPart)),
		bad("Two large requests of one id.", start(kindRequest+1, join(id, one, large), leastPart), start(kindRequest+1, join(id, one, large), leastPart)),
		bad("Five large answers at a time.", fiveAnswers()...),
		tooLargeBody("A message that announces a byte too many.", start(kindMessage+1, join(one, uint32Bytes(defaultMaximumMessage+1)), leastPart)),
		tooLargeBody("A request that announces 2^32 - 1 bytes.", start(kindRequest+1, join(id, one, uint32Bytes(1<<32-1)), leastPart)),
		tooLargeBody("An answer that announces 2^31 bytes.", start(kindAnswer+1, join(id, uint32Bytes(1<<31)), leastPart)),
		bad("A failure without a code.", short(kindFailure, id, []byte{0}, []byte("why"))),
		bad("A failure whose code has a small letter.", short(kindFailure, id, []byte{3}, []byte("ERr"))),
		bad("A failure whose code is longer than the frame.", short(kindFailure, id, []byte{9}, []byte("ERR"))),
		bad("A failure whose code has 65 characters.", short(kindFailure, id, []byte{65}, bytes.Repeat([]byte("A"), 65))),
		bad("An acknowledgement of what was not sent.", short(kindAcknowledge, positions{1, 0, 0}.bytes())),
		bad("An acknowledgement of 2^53.", short(kindAcknowledge, positions{0, 0, 1 << 53}.bytes())),
	)
}

var soonFrame = []byte{kindSoon, 0, 0, 0}

func fiveAnswers() []nativeFrame {
	var frames []nativeFrame
	for id := uint32(1); id <= 5; id++ {
		frames = append(frames, long(kindAnswer+1, join(uint32Bytes(id), uint32Bytes(100000)), patternVector{leastPart, 1}, 0, leastPart))
	}
	return frames
}
