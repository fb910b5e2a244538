package sealpipe

import "time"

// MessageCount is messages, and the bytes of their data.
type MessageCount struct{ Messages, Bytes int64 }

func (m *MessageCount) count(data []byte) {
	m.Messages++
	m.Bytes += int64(len(data))
}

// AskedRequests is what happened to the requests of this end.
type AskedRequests struct {
	// Pending wait for their answers at present.
	Pending int64
	// Answered, Failed by the peer's handler, TimedOut as a deadline passed, Aborted by their contexts, and Lost with their
	// session or connection are all others. Requests that fail before they are queued are not counted.
	Answered, Failed, TimedOut, Aborted, Lost int64
	// LastAnswer is how long the answer to the last timed request took, including its handler. One request at a time is
	// timed. A listener's is 0.
	LastAnswer time.Duration
}

// HandledRequests is what happened to the peer's requests.
type HandledRequests struct {
	// Running have a running handler at present, and Waiting wait for one.
	Running, Waiting int64
	// Cancelled by the peer before there was an answer; Lost with their session or connection.
	Answered, Failed, Cancelled, Lost int64
}

// Stats are totals since the beginning, and present values. All successive connections of a client count.
type Stats struct {
	// Sent are messages that Write or Broadcast accepted; Received have arrived, read or not.
	Sent, Received MessageCount
	// DroppedMessages were written and will not be sent: the peer had left, a broadcast left out a client that does not
	// accept one that large, or this end was closed before.
	DroppedMessages int64
	// LostMessages were sent to a native peer, which never acknowledged them.
	LostMessages int64
	Asked        AskedRequests
	Handled      HandledRequests
	// QueuedBytes is the same as the method. UnreadBytes have arrived and wait to be read; each message counts as 256
	// bytes more than its data.
	QueuedBytes, UnreadBytes int64
	// Reconnects is how often a connection replaced a lost one, and Resumes how often the session was resumed at that,
	// with nothing lost.
	Reconnects, Resumes int64
	// RoundTrip is how long the last ping took to be answered, in whole milliseconds and at least one; 0 before the first.
	// Only a native connection has pings, and only after a silence of KeepaliveInterval. A listener's is 0.
	RoundTrip time.Duration
}

// ListenerStats are the sums over all clients so far. Present values are those of the present clients.
type ListenerStats struct {
	Stats
	// Connections are clients that are connected, or may come back.
	Connections int64
	// TotalConnections have connected so far; a client that comes back is not counted again. A second start of a server
	// at the same name counts, as it looks whether this one is alive.
	TotalConnections int64
	// RefusedConnections were refused, or failed in the handshake.
	RefusedConnections int64
}

// Stats are the numbers so far. It may be called at any time.
func (c *Conn) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.presentStats()
}

// dropped counts a broadcast that leaves this client out.
func (c *Conn) dropped() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.DroppedMessages++
}

func (c *Conn) presentStats() Stats {
	stats := c.stats
	stats.Asked.Pending = int64(len(c.requests.waiting))
	for index := range c.handling.waiting.Len() {
		if waiting := *c.handling.waiting.At(index); c.handling.wanted[waiting.id] == waiting {
			stats.Handled.Waiting++
		}
	}
	stats.Handled.Running = int64(c.handling.running)
	stats.QueuedBytes, stats.UnreadBytes = c.queuedBytes(), int64(c.inboxBytes)
	if c.link != nil {
		stats.RoundTrip = time.Duration(c.link.engine.RoundTripMs()) * time.Millisecond
	}
	return stats
}

// Stats are the numbers of all clients so far. It may be called at any time.
func (l *Listener) Stats() ListenerStats {
	l.mu.Lock()
	stats := l.stats
	stats.TotalConnections, stats.Connections = int64(l.lastID), int64(len(l.open))
	present := make([]*Conn, 0, len(l.open))
	for conn := range l.open {
		present = append(present, conn)
	}
	l.mu.Unlock()
	for _, conn := range present {
		stats.add(conn.Stats())
	}
	return stats
}

// ended keeps the totals of a connection that is over; its present values are gone.
func (s *ListenerStats) ended(stats Stats) {
	stats.Asked.Pending, stats.Handled.Running, stats.Handled.Waiting = 0, 0, 0
	stats.QueuedBytes, stats.UnreadBytes = 0, 0
	s.add(stats)
}

func (s *ListenerStats) add(other Stats) {
	for _, pair := range [...]struct {
		sum  *int64
		more int64
	}{
		{&s.Sent.Messages, other.Sent.Messages}, {&s.Sent.Bytes, other.Sent.Bytes},
		{&s.Received.Messages, other.Received.Messages}, {&s.Received.Bytes, other.Received.Bytes},
		{&s.DroppedMessages, other.DroppedMessages}, {&s.LostMessages, other.LostMessages},
		{&s.Asked.Pending, other.Asked.Pending}, {&s.Asked.Answered, other.Asked.Answered}, {&s.Asked.Failed, other.Asked.Failed},
		{&s.Asked.TimedOut, other.Asked.TimedOut}, {&s.Asked.Aborted, other.Asked.Aborted}, {&s.Asked.Lost, other.Asked.Lost},
		{&s.Handled.Running, other.Handled.Running}, {&s.Handled.Waiting, other.Handled.Waiting},
		{&s.Handled.Answered, other.Handled.Answered}, {&s.Handled.Failed, other.Handled.Failed},
		{&s.Handled.Cancelled, other.Handled.Cancelled}, {&s.Handled.Lost, other.Handled.Lost},
		{&s.QueuedBytes, other.QueuedBytes}, {&s.UnreadBytes, other.UnreadBytes},
		{&s.Reconnects, other.Reconnects}, {&s.Resumes, other.Resumes},
	} {
		*pair.sum += pair.more
	}
}
