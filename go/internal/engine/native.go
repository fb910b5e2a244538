package engine

import (
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

const (
	// maxWriteBytes: records are gathered in one write up to this size.
	maxWriteBytes = 2 * wire.MaxRecordBytes
	// maxWaitingPongs bounds the pongs that wait to be sent. A peer for which more would wait does not read them.
	maxWaitingPongs = 64
)

type nativePhase int

const (
	nativeOpen nativePhase = iota
	// nativeClosing: nothing more is sent after what is queued. nativeClosed: the peer has closed, or both ends have.
	nativeClosing
	nativeClosed
)

// native is a session on one connection: its records, and the frames that concern the connection itself.
type native struct {
	session      *session.Session
	writer       *wire.RecordWriter
	keepalive    keepalive
	acknowledger acknowledger
	bodies       bodyDeadlines
	// control are pings and pongs that wait to be sent.
	control      []byte
	waitingPongs int
	pings        uint32
	// asks: the peer is to acknowledge soon what it has consumed.
	asks      bool
	phase     nativePhase
	closeSent bool
	// frames are the rest of the record that is being read.
	frames []byte
}

func (n *native) begin(record []byte) { n.frames = record }

func (n *native) next(event *session.Event) (verdict, error) {
	for len(n.frames) > 0 {
		frame, rest, err := wire.CutFrame(n.frames)
		if err != nil {
			return nothing, err
		}
		n.frames = rest
		if kind := wire.Kind(frame[0]); kind < wire.KindMessage {
			closed, err := n.receiveControl(kind, frame[wire.FrameHeaderBytes:])
			if err != nil || closed {
				return peerClosed, err
			}
			continue
		}
		if err := n.session.Receive(frame, event); err != nil {
			return nothing, err
		}
		if event.Kind != session.NoEvent {
			return something, nil
		}
	}
	return nothing, nil
}

func (n *native) receiveControl(kind wire.Kind, body []byte) (closed bool, err error) {
	switch kind {
	case wire.KindAcknowledge:
		consumed, err := wire.DecodePositions(body, n.session.Lanes())
		if err != nil {
			return false, err
		}
		return false, n.session.Acknowledged(consumed)
	case wire.KindAcknowledgeSoon:
		n.acknowledger.asked = true
		return false, nil
	case wire.KindPing:
		token, err := wire.DecodeToken(body)
		if err != nil {
			return false, err
		}
		if n.waitingPongs >= maxWaitingPongs {
			return false, wire.InvalidFrame("pings whose answers it does not read")
		}
		n.waitingPongs++
		n.control = wire.AppendUint32Frame(n.control, wire.KindPong, token)
		return false, nil
	case wire.KindPong:
		_, err := wire.DecodeToken(body)
		if err == nil {
			n.keepalive.answered()
		}
		return false, err
	case wire.KindClose:
		return true, nil
	default:
		return false, wire.InvalidFrame("a frame where it may not be")
	}
}

// unitsRead is called when all complete records that have arrived are read.
func (n *native) unitsRead(now int64) {
	n.acknowledger.notice(now)
	if n.phase == nativeOpen {
		n.bodies.notice(now)
	}
}

// consumed is called when the application has consumed something.
func (n *native) consumed(clock Clock) {
	if n.acknowledger.mustNotice() {
		n.acknowledger.notice(clock())
	}
	if n.bodies.isHeld && n.phase == nativeOpen {
		n.bodies.notice(clock())
	}
}

func (n *native) hasOutput() bool {
	if n.closeSent {
		return false
	}
	if n.phase != nativeOpen && (n.phase == nativeClosed || n.session.AllSent()) {
		return true
	}
	if len(n.control) > 0 || n.asks && n.session.AllSent() {
		return true
	}
	return n.session.CanSend() || n.acknowledger.isDue()
}

// appendOutput appends records whose frames are yet to be sealed.
func (n *native) appendOutput(dst []byte) []byte {
	for len(dst) < maxWriteBytes && n.hasOutput() {
		start := len(dst)
		if frame := n.lendFrame(); frame != nil {
			dst = n.writer.LendRecord(dst, frame)
			continue
		}
		dst = n.appendFrames(append(dst, 0, 0, 0, 0))
		if len(dst) == start+wire.LengthBytes {
			return dst[:start]
		}
		dst = n.writer.FinishRecord(dst, start)
	}
	return dst
}

// lendFrame is a large frame that is sealed from where it is, instead of being copied first; nil if there is none, or something
// else has to leave before it.
func (n *native) lendFrame() []byte {
	if !n.writer.Seals() || n.phase != nativeOpen || len(n.control) > 0 || n.acknowledger.isDue() {
		return nil
	}
	return n.session.LendFrame()
}

func (n *native) appendFrames(dst []byte) []byte {
	if n.phase == nativeClosed {
		return n.appendClose(dst)
	}
	start := len(dst)
	dst = append(dst, n.control...)
	n.control, n.waitingPongs = n.control[:0], 0
	dst = n.session.AppendFrames(dst)
	allSent := n.session.AllSent()
	if n.asks && allSent {
		n.asks = false
		dst = wire.AppendFrameHeader(dst, wire.KindAcknowledgeSoon, 0)
	}
	if n.phase == nativeClosing && allSent {
		return n.appendClose(dst)
	}
	if n.acknowledger.isDue() || len(dst) > start && n.session.HasNotableNews() {
		dst = n.acknowledger.appendFrame(dst)
	}
	return dst
}

func (n *native) appendClose(dst []byte) []byte {
	n.closeSent = true
	dst = n.acknowledger.appendFrame(dst)
	return wire.AppendFrameHeader(dst, wire.KindClose, 0)
}

func (n *native) outputLeft()           { n.session.FramesSealed() }
func (n *native) queuedBytes() int64    { return n.session.QueuedBytes() }
func (n *native) outputEnded() bool     { return n.closeSent }
func (n *native) listensToTheEnd() bool { return true }
func (n *native) isSpent() bool         { return false }
func (n *native) heard(now int64)       { n.keepalive.heard(now) }

func (n *native) unsentBytes() int64 {
	if n.closeSent {
		return 0
	}
	return n.session.UnsentBytes()
}

func (n *native) close() {
	if n.phase == nativeOpen {
		n.phase = nativeClosing
		// What still arrives is dropped, and the close has a timeout of its own.
		n.bodies.clear()
	}
}

// finish is called when the connection is over. After an orderly end the peer may still get a close.
func (n *native) finish(orderly bool) {
	n.phase = nativeClosed
	n.frames = nil
	n.bodies.clear()
	if !orderly {
		n.closeSent = true
	}
}

func (n *native) nextTimeout() int64 {
	return min(n.keepalive.nextTimeout(), n.acknowledger.at, n.bodies.next)
}

func (n *native) handleTimeout(now int64) error {
	n.acknowledger.handleTimeout(now)
	if now >= n.bodies.next {
		return bodyTimeout(n.bodies.timeoutMs)
	}
	switch n.keepalive.handleTimeout(now) {
	case ping:
		n.session.Idle()
		n.pings++
		n.control = wire.AppendUint32Frame(n.control, wire.KindPing, n.pings)
	case dead:
		return keepaliveTimeout()
	}
	return nil
}

// nativeReceiver opens records.
type nativeReceiver struct{ reader *wire.RecordReader }

func (r nativeReceiver) Next(in *wire.Input) ([]byte, error) { return r.reader.Read(in) }

func (r nativeReceiver) Wipe() { r.reader.Wipe() }
