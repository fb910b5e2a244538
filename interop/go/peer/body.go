package peer

import "encoding/binary"

// sequenceBytes is the size of the number that begins a numbered body.
const sequenceBytes = 8

// patternBody is a body whose every byte follows from its place and the seed.
func patternBody(bytes, seed int) []byte {
	body := make([]byte, bytes)
	for i := range body {
		body[i] = byte(i*31 + seed*17 + (i>>8)*7)
	}
	return body
}

// numberedBody begins with a sequence number; zeros follow.
func numberedBody(bytes int, number uint64) []byte {
	body := make([]byte, bytes)
	binary.BigEndian.PutUint64(body, number)
	return body
}
