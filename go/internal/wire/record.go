package wire

import (
	"crypto/cipher"
	"encoding/binary"
	"slices"

	"sealpipe/internal/fault"
)

// RecordsPerKey is how many records each direction seals under one key. Source: spec/protocol.md, "Native key schedule".
const RecordsPerKey = 1 << 19

// MaxRecordBytes is the max total size of the frames in one record, in bytes.
const MaxRecordBytes = 131_072

// protection is one direction's key and the number of its next record.
type protection struct {
	secret       []byte
	aead         cipher.AEAD
	iv           [NonceBytes]byte
	nonce        [NonceBytes]byte
	number       uint64
	keyLeft      int
	recordsByKey int
}

func newProtection(secret []byte, recordsByKey int) *protection {
	p := &protection{secret: secret, keyLeft: recordsByKey, recordsByKey: recordsByKey}
	p.useSecret()
	return p
}

func (p *protection) useSecret() {
	key := expand(p.secret, "key", SecretBytes)
	p.aead = newGCM(key)
	clear(key)
	copy(p.iv[:], expand(p.secret, "iv", NonceBytes))
}

// next sets the nonce of the next record, with the key that is to seal it in place.
func (p *protection) next() {
	if p.keyLeft == 0 {
		following := expand(p.secret, "next", SecretBytes)
		clear(p.secret)
		p.secret = following
		p.keyLeft = p.recordsByKey
		p.useSecret()
	}
	p.keyLeft--
	p.nonce = p.iv
	low := binary.BigEndian.Uint64(p.nonce[4:]) ^ p.number
	binary.BigEndian.PutUint64(p.nonce[4:], low)
	p.number++
}

func (p *protection) wipe() {
	if p == nil {
		return
	}
	clear(p.secret)
	clear(p.iv[:])
	p.aead = nil
}

// RecordWriter makes records of frames. The zero value makes plain ones. Source: spec/protocol.md, "Native record".
type RecordWriter struct {
	protection *protection
	// lent are the frames of records that are yet to be sealed, and were not copied.
	lent []lentFrames
}

// lentFrames are those of the record that begins at that index.
type lentFrames struct {
	start  int
	frames []byte
}

// NewRecordWriter makes a writer of sealed records. The secret belongs to the writer from now on, which wipes it.
func NewRecordWriter(secret []byte, recordsPerKey int) *RecordWriter {
	return &RecordWriter{protection: newProtection(secret, recordsPerKey)}
}

// OverheadBytes is what sealing adds to a record's frames.
func (w *RecordWriter) OverheadBytes() int {
	if w.protection == nil {
		return 0
	}
	return TagBytes
}

// FinishRecord sets the length of the record that begins at start and whose frames end at the end of buf, and leaves room
// for the tag. Seal does the rest.
func (w *RecordWriter) FinishRecord(buf []byte, start int) []byte {
	var tag [TagBytes]byte
	buf = append(buf, tag[:w.OverheadBytes()]...)
	binary.BigEndian.PutUint32(buf[start:], uint32(len(buf)-start-LengthBytes))
	return buf
}

// Seals reports whether records are sealed.
func (w *RecordWriter) Seals() bool { return w.protection != nil }

// LendRecord appends a finished record of frames that stay where they are, and as they are, until Seal has sealed them from there.
// The writer seals records.
func (w *RecordWriter) LendRecord(buf, frames []byte) []byte {
	start := len(buf)
	w.lent = append(w.lent, lentFrames{start, frames})
	buf = slices.Grow(buf, LengthBytes+len(frames)+TagBytes)[:start+LengthBytes+len(frames)+TagBytes]
	binary.BigEndian.PutUint32(buf[start:], uint32(len(frames)+TagBytes))
	return buf
}

// Seal seals a run of finished records in place: all that were appended to one buffer.
func (w *RecordWriter) Seal(records []byte) {
	if w.protection == nil {
		return
	}
	lent := w.lent
	for start := 0; start < len(records); {
		length := int(binary.BigEndian.Uint32(records[start:]))
		header, payload := records[start:start+LengthBytes], records[start+LengthBytes:start+LengthBytes+length]
		frames := payload[:length-TagBytes]
		if len(lent) > 0 && lent[0].start == start {
			frames, lent = lent[0].frames, lent[1:]
		}
		start += LengthBytes + length
		w.protection.next()
		w.protection.aead.Seal(payload[:0], w.protection.nonce[:], frames, header)
	}
	clear(w.lent)
	w.lent = w.lent[:0]
}

// Wipe overwrites the secret. No further record can be written.
func (w *RecordWriter) Wipe() { w.protection.wipe() }

// RecordReader makes frames of records. The zero value reads plain ones.
type RecordReader struct {
	protection *protection
	openedOne  bool
	header     [LengthBytes]byte
}

// NewRecordReader makes a reader of sealed records. The secret belongs to the reader from now on, which wipes it.
func NewRecordReader(secret []byte, recordsPerKey int) *RecordReader {
	return &RecordReader{protection: newProtection(secret, recordsPerKey)}
}

// Read returns the frames of the next record, valid until the next call of Input.Space, or nil until all of it is
// there.
func (r *RecordReader) Read(in *Input) ([]byte, error) {
	overhead := 0
	if r.protection != nil {
		overhead = TagBytes
	}
	payload, err := in.TakeFrame(Bounds{
		Min: FrameHeaderBytes + overhead, Max: MaxRecordBytes + overhead, TooLarge: fault.FrameTooLarge, What: "a record",
	})
	if payload == nil || r.protection == nil {
		return payload, err
	}
	binary.BigEndian.PutUint32(r.header[:], uint32(len(payload)))
	r.protection.next()
	frames, err := r.protection.aead.Open(payload[:0], r.protection.nonce[:], payload, r.header[:])
	if err != nil {
		if !r.openedOne {
			return nil, fault.New(fault.AuthenticationFailed, "the peer's first record could not be opened: the secrets differ, only one end has one, or a process is in between")
		}
		return nil, fault.New(fault.DecryptionFailed, "a record could not be opened: it was changed, repeated, left out or moved on its way")
	}
	r.openedOne = true
	return frames, nil
}

// Wipe overwrites the secret. No further record can be read.
func (r *RecordReader) Wipe() { r.protection.wipe() }
