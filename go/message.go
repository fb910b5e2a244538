package sealpipe

import (
	"sealpipe/internal/session"
	"sealpipe/internal/wire"
)

// Message is one application payload with its type, 1 to 4294967295. Data belongs to the receiver.
type Message struct {
	Type uint32
	Data []byte
	// memory is nil if it cannot be returned.
	memory *sessionMemory
}

// Text is the data as text, in which U+FFFD stands for what is not UTF-8.
func (m Message) Text() string { return wire.Text(m.Data) }

// Release returns the memory of a large message, over 2 KiB, to the connection, which uses it for the next one: a program that
// reads many calls it when it has finished with a message. Data must not be used afterwards, in copies of the message either, and
// are nil in this one. It is never required, and does nothing for a small message, one of golang-ipc's wire, or a second time.
func (m *Message) Release() { release(&m.Data, &m.memory) }

func release(data *[]byte, of **sessionMemory) {
	memory := *of
	*data, *of = nil, nil
	if memory == nil {
		return
	}
	memory.conn.mu.Lock()
	defer memory.conn.mu.Unlock()
	memory.memory.Reclaim()
}

// sessionMemory is memory of a session's, which the connection's lock guards.
type sessionMemory struct {
	conn   *Conn
	memory *session.Memory
}

func (c *Conn) memoryOf(event *session.Event) *sessionMemory {
	if event.Memory == nil {
		return nil
	}
	return &sessionMemory{c, event.Memory}
}
