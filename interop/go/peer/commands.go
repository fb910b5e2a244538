package peer

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// command is one line of input.
type command struct {
	Do    string          `json:"do"`
	ID    json.RawMessage `json:"id"`
	Type  int             `json:"type"`
	Text  *string         `json:"text"`
	Bytes int             `json:"bytes"`
	Seed  int             `json:"seed"`
	Count *int            `json:"count"`
	On    bool            `json:"on"`
}

func (c command) times() int {
	if c.Count == nil {
		return 1
	}
	return *c.Count
}

// obey carries out commands until the input ends.
func (s *session) obey(in io.Reader) {
	reader := bufio.NewReader(in)
	for {
		line, err := reader.ReadBytes('\n')
		if len(line) > 1 {
			s.obeyLine(line)
		}
		if err != nil {
			return
		}
	}
}

func (s *session) obeyLine(line []byte) {
	var c command
	if err := json.Unmarshal(line, &c); err != nil {
		s.refuse(c, err)
		return
	}
	switch c.Do {
	case "write":
		s.writes.put(func() { s.write(c) })
	case "sequence":
		if c.Bytes < sequenceBytes {
			s.refuse(c, fmt.Errorf("a sequence needs bodies of %d bytes or more", sequenceBytes))
			return
		}
		s.writes.put(func() { s.writeSequence(c) })
	case "echo":
		s.echoing.Store(c.On)
		s.acknowledge(c)
	case "quiet":
		s.quiet.Store(c.On)
		s.acknowledge(c)
	case "count":
		counted := s.tally.event()
		counted.ID = c.ID
		s.output.emit(counted)
	case "status":
		s.output.emit(event{Event: "status", ID: c.ID, Status: statusWord(s.endpoint.Status())})
	case "close":
		s.endpoint.Close()
		s.acknowledge(c)
	default:
		s.refuse(c, fmt.Errorf("no such command: %q", c.Do))
	}
}

// acknowledge answers a command that has no answer of its own, if it has an id.
func (s *session) acknowledge(c command) {
	if c.ID != nil {
		s.output.emit(event{Event: "ok", ID: c.ID})
	}
}

func (s *session) refuse(c command, err error) {
	s.output.emit(event{Event: "error", ID: c.ID, Error: err.Error(), From: "command", Fatal: pointer(false)})
}
