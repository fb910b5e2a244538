package sealpipe

import "sealpipe/internal/session"

// LostSession is what was under way in a session that is gone.
type LostSession struct {
	// Messages were sent, and the peer has not acknowledged them: they may or may not have arrived.
	Messages []Message
	// Streams were open, by either end: what had arrived can still be read. Of what this end wrote into them nobody knows how much
	// has arrived.
	Streams []*Stream
}

// tellLost reports what was lost, or nothing if there was nothing and it is not always of interest. It is called with the lock.
func (c *Conn) tellLost(messages []session.Message, streams []*Stream, always bool) {
	told := c.config.OnSessionLost
	if told == nil || !always && len(messages) == 0 && len(streams) == 0 {
		return
	}
	lost := LostSession{Streams: streams}
	for _, message := range messages {
		lost.Messages = append(lost.Messages, Message{Type: message.Type, Data: message.Data})
	}
	c.notify.call(func() { told(c, lost) })
}
