package session

import (
	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

const (
	// maxUnacknowledgedBytes: consumed bytes are acknowledged once they are this many, or a quarter of a smaller window.
	maxUnacknowledgedBytes = 262_144
	// notableBytes: fewer bytes are not worth a frame, even in a record that is sent anyway.
	notableBytes = 8_192
	// maxRecordWeight is the weight of a record full of the smallest frames that a lane can have: an empty message has
	// eight bytes.
	maxRecordWeight = wire.MaxRecordBytes + wire.MaxRecordBytes/8*FrameOverheadBytes
)

// receiveLane is the peer of a sendLane: how far its frames have arrived, and how far the application has consumed
// them.
type receiveLane struct {
	window                           int64
	received, consumed, acknowledged int64
	lastWeight                       int64
	// held counts what has arrived and the application has not consumed.
	held int
}

// isFull reports whether unconsumed bytes fill the window: the peer must send no more.
func (l *receiveLane) isFull() bool { return l.received-l.consumed >= l.window }

func (l *receiveLane) hasNews() bool { return l.consumed > l.acknowledged }

func (l *receiveLane) hasNotableNews() bool { return l.consumed-l.acknowledged >= notableBytes }

// hasUrgentNews reports whether so much was consumed that the peer may soon have to wait for its acknowledgement.
func (l *receiveLane) hasUrgentNews() bool {
	return l.consumed-l.acknowledged >= min(l.window/4, maxUnacknowledgedBytes)
}

// receive counts a frame of that many bytes, its header included.
func (l *receiveLane) receive(frameBytes int) error {
	l.lastWeight = int64(frameBytes) + FrameOverheadBytes
	l.received += l.lastWeight
	// The last record may exceed the window: a sender stops only after it.
	if l.received-l.consumed > l.window+maxRecordWeight {
		return fault.New(fault.WindowExceeded, "the peer sent %d bytes that are not consumed yet; the window is %d", l.received-l.consumed, l.window)
	}
	if l.held == 0 {
		l.consumed = l.received
	}
	return nil
}

// hold: the application will consume what has just arrived. It returns the position for consume.
func (l *receiveLane) hold() int64 {
	if l.held == 0 {
		l.consumed = l.received - l.lastWeight
	}
	l.held++
	return l.received
}

// release reverses the last hold: the application will not consume it.
func (l *receiveLane) release() {
	l.held--
	if l.held == 0 {
		l.consumed = l.received
	}
}

// consume: the application has consumed what has that position. It consumes in the order of arrival.
func (l *receiveLane) consume(position int64) {
	l.held--
	if l.held == 0 {
		position = l.received
	}
	l.consumed = max(l.consumed, position)
}
