package session

import (
	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

const (
	// maxUnacknowledgedBytes: after so much the peer is told at the latest, if its window is not smaller.
	maxUnacknowledgedBytes = 262_144
	// notableBytes: to tell of less, even with what is sent anyway, costs more than it is worth.
	notableBytes = 8_192
	// maxRecordWeight is that of a record of the smallest frames that a lane can have: an empty message has eight bytes.
	maxRecordWeight = wire.MaxRecordBytes + wire.MaxRecordBytes/8*FrameOverheadBytes
)

// receiveLane is the other end of a sendLane: how far its frames have arrived, and how far the application has consumed them.
type receiveLane struct {
	window                           int64
	received, consumed, acknowledged int64
	lastWeight                       int64
	// held counts what has arrived and the application has not consumed.
	held int
}

// isFull: what waits to be consumed fills the window, and the peer must send no more.
func (l *receiveLane) isFull() bool { return l.received-l.consumed >= l.window }

func (l *receiveLane) hasNews() bool { return l.consumed > l.acknowledged }

func (l *receiveLane) hasNotableNews() bool { return l.consumed-l.acknowledged >= notableBytes }

// hasUrgentNews: so much was consumed that the peer should know, or it may have to wait.
func (l *receiveLane) hasUrgentNews() bool {
	return l.consumed-l.acknowledged >= min(l.window/4, maxUnacknowledgedBytes)
}

// receive counts a frame of that many bytes, its header included.
func (l *receiveLane) receive(frameBytes int) error {
	l.lastWeight = int64(frameBytes) + FrameOverheadBytes
	l.received += l.lastWeight
	// The last record may reach past the window, which says when to stop.
	if l.received-l.consumed > l.window+maxRecordWeight {
		return fault.New(fault.WindowExceeded, "the peer sent %d bytes that are not consumed yet; the window is %d", l.received-l.consumed, l.window)
	}
	if l.held == 0 {
		l.consumed = l.received
	}
	return nil
}

// hold says that what has just been received is for the application to consume, with the position that says so.
func (l *receiveLane) hold() int64 {
	if l.held == 0 {
		l.consumed = l.received - l.lastWeight
	}
	l.held++
	return l.received
}

// release takes back what hold has just said: the application is not to consume it.
func (l *receiveLane) release() {
	l.held--
	if l.held == 0 {
		l.consumed = l.received
	}
}

// consume: the application has consumed what hold gave that position, in the order in which things arrived.
func (l *receiveLane) consume(position int64) {
	l.held--
	if l.held == 0 {
		position = l.received
	}
	l.consumed = max(l.consumed, position)
}
