package main

import (
	"crypto/sha256"
	"fmt"
)

const framesDescription = "Message frames of the classic profile. frame is the whole frame with its length; key and " +
	"nonce are those it is sealed with. A body over 256 bytes is given as dataPattern (byte i is (i * 31 + seed * 17 + " +
	"(i >> 8) * 7) & 255), and its frame by size and SHA-256. All bytes are lower-case hex."

type frameVector struct {
	Name        string       `json:"name"`
	Note        string       `json:"note,omitempty"`
	Encrypted   bool         `json:"encrypted"`
	Key         hexBytes     `json:"key,omitempty"`
	Nonce       hexBytes     `json:"nonce,omitempty"`
	Type        uint32       `json:"type"`
	Data        *hexBytes    `json:"data,omitempty"`
	DataPattern *dataPattern `json:"dataPattern,omitempty"`
	Frame       hexBytes     `json:"frame,omitempty"`
	FrameBytes  int          `json:"frameBytes,omitempty"`
	FrameSHA256 hexBytes     `json:"frameSha256,omitempty"`
}

type dataPattern struct {
	Bytes int `json:"bytes"`
	Seed  int `json:"seed"`
}

// Bodies up to this size stand in the file themselves.
const maxWrittenBody = 256

type namedType struct {
	value uint32
	name  string
	note  string
}

type namedBody struct {
	bytes int
	name  string
	note  string
}

func frameVectors() []frameVector {
	types := []namedType{
		{1, "the smallest type", ""},
		{5, "type 5", ""},
		{1 << 31, "type 2147483648", "This type does not fit a signed 32-bit number."},
		{1<<32 - 1, "the largest type", "This type is -1 as a signed 32-bit number."},
	}
	bodies := []namedBody{
		{0, "no data", "A message may be empty: the frame holds the type alone."},
		{1, "1 byte", ""},
		{5, "5 bytes", ""},
		{16, "16 bytes", ""},
		{1024, "1024 bytes", ""},
		{65536, "65536 bytes", ""},
	}
	var vectors []frameVector
	for _, encrypted := range []bool{false, true} {
		for _, body := range bodies {
			for _, messageType := range types {
				vectors = append(vectors, frameOf(len(vectors), encrypted, messageType, body))
			}
		}
		largest := namedBody{defaultMaximumMessage, "as much data as the default limit allows", ""}
		vectors = append(vectors, frameOf(len(vectors), encrypted, types[1], largest))
	}
	return vectors
}

// frameOf makes one vector; its number gives it its nonce and its pattern.
func frameOf(number int, encrypted bool, messageType namedType, body namedBody) frameVector {
	vector := frameVector{
		Name:      fmt.Sprintf("%s, %s with %s.", manner(encrypted), messageType.name, body.name),
		Note:      messageType.note,
		Encrypted: encrypted,
		Type:      messageType.value,
	}
	if body.note != "" {
		vector.Note = body.note
	}
	data := pattern(body.bytes, number)
	payload := message(messageType.value, data)
	if encrypted {
		vector.Key = agree(serverKeys(0), clientKeys(0)).key
		vector.Nonce = nonce(100 + number)
		payload = seal(vector.Key, vector.Nonce, payload)
	}
	whole := frame(payload)
	if body.bytes <= maxWrittenBody {
		vector.Data = (*hexBytes)(&data)
		vector.Frame = whole
		return vector
	}
	digest := sha256.Sum256(whole)
	vector.DataPattern = &dataPattern{Bytes: body.bytes, Seed: number}
	vector.FrameBytes = len(whole)
	vector.FrameSHA256 = digest[:]
	return vector
}

func manner(encrypted bool) string {
	if encrypted {
		return "Encrypted"
	}
	return "Plain"
}
