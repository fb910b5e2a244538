package peer

import (
	"encoding/json"
	"time"
)

// maxLateness is how long after a client's first message the library's servers
// may still refuse to write, because they do not yet count as connected.
const maxLateness = 100 * time.Millisecond

// echo is a message to be written back.
type echo struct {
	message  Message
	received time.Time
}

// writeCommanded carries out write commands one after another. They have a
// goroutine of their own because the library's Write waits for the socket.
func (s *session) writeCommanded() {
	for writes := s.writes.takeAll(); writes != nil; writes = s.writes.takeAll() {
		for _, write := range writes {
			write()
		}
	}
}

// writeEchoes writes back what was received, in its order.
func (s *session) writeEchoes() {
	for echoes := s.echoes.takeAll(); echoes != nil; echoes = s.echoes.takeAll() {
		for _, echo := range echoes {
			s.awaitConnected(echo.received.Add(maxLateness))
			if err := s.endpoint.Write(echo.message.Type, echo.message.Data); err != nil {
				s.writeFailed(nil, err)
			}
		}
	}
}

// awaitConnected waits until the library is connected, or the deadline.
func (s *session) awaitConnected(deadline time.Time) {
	for statusWord(s.endpoint.Status()) != "connected" && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
}

func (s *session) write(c command) {
	for i := 0; i < c.times(); i++ {
		var body []byte
		if c.Text != nil {
			body = []byte(*c.Text)
		} else {
			body = patternBody(c.Bytes, c.Seed+i)
		}
		if err := s.endpoint.Write(c.Type, body); err != nil {
			s.writeFailed(c.ID, err)
			return
		}
	}
	s.output.emit(event{Event: "written", ID: c.ID})
}

func (s *session) writeSequence(c command) {
	for i := 0; i < c.times(); i++ {
		if err := s.endpoint.Write(c.Type, numberedBody(c.Bytes, uint64(i))); err != nil {
			s.writeFailed(c.ID, err)
			return
		}
	}
	s.output.emit(event{Event: "written", ID: c.ID})
}

func (s *session) writeFailed(id json.RawMessage, err error) {
	s.output.emit(event{Event: "error", ID: id, Error: err.Error(), From: "write", Fatal: pointer(false)})
}
