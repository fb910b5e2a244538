package engine

import (
	"encoding/binary"

	"sealpipe/internal/fault"
	"sealpipe/internal/fifo"
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

// batchBytes: whole frames share a write up to this size, and a larger frame has a write of its own.
const batchBytes = 32_768

// classic is golang-ipc's messages: one frame each, sealed one by one if the connection is encrypted.
type classic struct {
	encrypted           bool
	maxMessageBytes     int
	peerMaxMessageBytes int64
	// payloads counts the payloads that the key has sealed and opened, and has yet to seal.
	payloads int64
	unit     []byte

	batches fifo.Queue[[]byte]
	spare   []byte
	unsent  int64
	leaving int64
}

func (c *classic) send(msgType uint32, data []byte) error {
	if err := session.CheckMessage(msgType, len(data), c.maxMessageBytes); err != nil {
		return err
	}
	if err := session.CheckPeerTakes(len(data), c.peerMaxMessageBytes); err != nil {
		return err
	}
	frameBytes := wire.LengthBytes + wire.TypeBytes + len(data)
	if c.encrypted {
		frameBytes += wire.ClassicOverheadBytes
	}
	last := c.batches.Len() - 1
	if last < 0 || len(*c.batches.At(last))+frameBytes > batchBytes {
		c.batches.Push(c.newBatch(frameBytes))
		last++
	}
	batch := c.batches.At(last)
	*batch = wire.AppendClassicFrame(*batch, c.encrypted, msgType, data)
	c.unsent += int64(frameBytes)
	c.payloads++
	return nil
}

func (c *classic) newBatch(frameBytes int) []byte {
	if cap(c.spare) >= frameBytes {
		batch := c.spare
		c.spare = nil
		return batch
	}
	return make([]byte, 0, frameBytes)
}

func (c *classic) isSpent() bool { return c.encrypted && c.payloads >= wire.MaxClassicPayloads }

func (c *classic) begin(unit []byte) {
	c.unit = unit
	c.payloads++
}

func (c *classic) next(event *session.Event) (verdict, error) {
	unit := c.unit
	c.unit = nil
	if unit == nil {
		return nothing, nil
	}
	msgType := binary.BigEndian.Uint32(unit)
	if msgType == 0 {
		// golang-ipc's own type: silently dropped.
		return nothing, nil
	}
	*event = session.Event{Kind: session.MessageEvent, Type: msgType, Data: append([]byte(nil), unit[wire.TypeBytes:]...)}
	return something, nil
}

func (c *classic) hasOutput() bool { return c.batches.Len() > 0 }

func (c *classic) appendOutput(dst []byte) []byte {
	if c.batches.Len() == 0 {
		return dst
	}
	batch := c.batches.Pop()
	dst = append(dst, batch...)
	c.unsent -= int64(len(batch))
	c.leaving += int64(len(batch))
	if cap(batch) <= batchBytes {
		c.spare = batch[:0]
	}
	return dst
}

func (c *classic) outputLeft()               { c.leaving = 0 }
func (c *classic) queuedBytes() int64        { return c.unsent + c.leaving }
func (c *classic) unsentBytes() int64        { return c.unsent }
func (c *classic) outputEnded() bool         { return true }
func (c *classic) listensToTheEnd() bool     { return false }
func (c *classic) nextTimeout() int64        { return Never }
func (c *classic) handleTimeout(int64) error { return nil }
func (c *classic) heard(int64)               {}
func (c *classic) unitsRead(int64)           {}
func (c *classic) close()                    {}

func (c *classic) finish(orderly bool) {
	if !orderly {
		c.batches.Clear()
		c.unsent = 0
	}
}

// classicReceiver opens frames.
type classicReceiver struct {
	cipher *wire.ClassicCipher
	bounds wire.Bounds
}

func (r *classicReceiver) Next(in *wire.Input) ([]byte, error) {
	payload, err := in.TakeFrame(r.bounds)
	if payload == nil || r.cipher == nil {
		return payload, err
	}
	return r.cipher.Open(payload)
}

func (r *classicReceiver) Wipe() { r.cipher = nil }

// classicSealer seals the frames for which classic.appendOutput has left room.
type classicSealer struct {
	cipher *wire.ClassicCipher
	random func([]byte)
}

func (s *classicSealer) Seal(units []byte) {
	if s.cipher != nil {
		s.cipher.SealClassicFrames(units, s.random)
	}
}

func (s *classicSealer) Wipe() { s.cipher = nil }

func keepaliveTimeout() error {
	return fault.New(fault.KeepaliveTimeout, "the peer has not answered a ping: it hangs, or is stopped")
}
