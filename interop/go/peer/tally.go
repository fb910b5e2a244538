package peer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"sync"
)

// tally sums up the messages received so far.
type tally struct {
	mutex      sync.Mutex
	messages   int
	bytes      int
	digest     hash.Hash // over type, length and body of every message
	outOfOrder bool
	numbered   bool // some message began with a sequence number
	last       uint64
}

func newTally() *tally { return &tally{digest: sha256.New()} }

func (t *tally) add(messageType int, data []byte) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.messages++
	t.bytes += len(data)

	header := binary.BigEndian.AppendUint32(nil, uint32(messageType))
	header = binary.BigEndian.AppendUint32(header, uint32(len(data)))
	t.digest.Write(header)
	t.digest.Write(data)

	if len(data) < sequenceBytes {
		return
	}
	number := binary.BigEndian.Uint64(data)
	if t.numbered && number != t.last+1 {
		t.outOfOrder = true
	}
	t.numbered = true
	t.last = number
}

func (t *tally) event() event {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return event{
		Event:    "count",
		Messages: pointer(t.messages),
		Bytes:    pointer(t.bytes),
		SHA256:   hex.EncodeToString(t.digest.Sum(nil)),
		InOrder:  pointer(!t.outOfOrder),
	}
}
