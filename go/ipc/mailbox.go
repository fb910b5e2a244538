package ipc

import "sync"

// maxWaiting messages wait to be read; then those that bring more wait.
const maxWaiting = 256

// terminal is the type of the last message.
const terminal = -2

// mailbox is what Read reads: messages and changes of status in one order.
type mailbox struct {
	mu      sync.Mutex
	changed *sync.Cond
	waiting []*Message
	// closing: nothing waits any more to be put in.
	closing bool
	status  Status
}

func newMailbox() *mailbox {
	m := &mailbox{}
	m.changed = sync.NewCond(&m.mu)
	return m
}

// put waits while too many messages do.
func (m *mailbox) put(message *Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.waiting) >= maxWaiting && !m.closing {
		m.changed.Wait()
	}
	if !m.closing {
		m.add(message)
	}
}

func (m *mailbox) add(message *Message) {
	m.waiting = append(m.waiting, message)
	m.changed.Broadcast()
}

// move sets the status and tells of it, unless the end has begun.
func (m *mailbox) move(status Status, conn *Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closing {
		m.status = status
		m.add(&Message{Status: status.String(), MsgType: -1, Conn: conn})
	}
}

// offer puts it in unless too many wait: of what strangers do there may be more than anybody reads.
func (m *mailbox) offer(message *Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waiting) < maxWaiting && !m.closing {
		m.add(message)
	}
}

// tell tells of a status without having it.
func (m *mailbox) tell(status Status, conn *Conn) {
	m.put(&Message{Status: status.String(), MsgType: -1, Conn: conn})
}

// close begins the end, once: true for the first call.
func (m *mailbox) close() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := !m.closing
	m.closing = true
	if first {
		m.status = Closing
	}
	m.changed.Broadcast()
	return first
}

// end is the last that there is: the status, which Read tells of if golang-ipc does, and an error after which Read blocks.
func (m *mailbox) end(status Status, told bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closing = true
	m.status = status
	if told {
		m.add(&Message{Status: status.String(), MsgType: -1})
	}
	m.add(&Message{Err: err, MsgType: terminal})
}

// read waits for the next. After the last error there is none.
func (m *mailbox) read() (*Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.waiting) == 0 {
		m.changed.Wait()
	}
	next := m.waiting[0]
	m.waiting = m.waiting[1:]
	m.changed.Broadcast()
	if next.MsgType == terminal {
		return nil, next.Err
	}
	return next, nil
}

func (m *mailbox) current() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}
