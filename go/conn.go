package sealpipe

import (
	"context"
	"sync"
	"time"

	"sealpipe/internal/engine"
	"sealpipe/internal/fault"
	"sealpipe/internal/fifo"
	"sealpipe/internal/session"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

// unreadOverheadBytes is what a waiting message counts besides its data.
const unreadOverheadBytes = 256

// Conn is one end of a channel: Dial returns it, and a Listener accepts it. A client's Conn stays connected: when the
// server goes, the Conn waits for it to come back. All methods may be called by several goroutines at a time.
type Conn struct {
	config   *config
	role     wire.Side
	listener *Listener
	id       uint64
	address  string
	notify   *notifier
	// context ends with the connection.
	context context.Context
	cancel  context.CancelFunc
	done    chan struct{}

	mu     sync.Mutex
	status Status
	// err is why the connection has failed, or is over.
	err  error
	over bool
	// closedHere: by a call at this end, not by the peer.
	closedHere bool
	// link is the present connection, if there is one; last is that or the previous one.
	link, last *link
	// session is that of a native connection, or the one in which a client's messages wait without a connection.
	session  *session.Session
	openedAt time.Time
	// resumes counts how often a client has come back.
	resumes   int
	profile   Profile
	encrypted bool
	peer      PeerInfo
	// offered is nil for a classic peer, and one from before there were features.
	offered *wire.Offers

	inbox      fifo.Queue[unread]
	inboxBytes int
	// answering: a message was read, and nobody has waited for the next since.
	answering bool
	// accepted: the application has the connection. stopCounting is set while it is over, and still one of MaxConnections.
	accepted bool
	// readers counts the goroutines that wait for a message, deliveredAt is when what the last of them got arrived, and
	// promptReturns how often in a row one was back for the next soon after. clock is when something last arrived.
	readers, promptReturns int
	deliveredAt, clock     time.Duration
	stopCounting           func()
	readable               chan struct{}
	roomWaits              []chan struct{}
	flushWaits             []chan error
	requests               pendingRequests
	// idle is fired when a link has nothing to write.
	idle signal
	// stats has the totals; the present values are made when they are asked for.
	stats    Stats
	handling handledRequests
	streams  streams
}

func newConn(config *config, role wire.Side, address transport.Address) *Conn {
	c := &Conn{
		config: config, role: role, address: address.Path, status: NotConnected, profile: ProfileClassic,
		encrypted: !config.DisableEncryption, done: make(chan struct{}), readable: make(chan struct{}, 1),
	}
	c.context, c.cancel = context.WithCancel(context.Background())
	c.notify = &notifier{}
	c.requests.waiting = map[uint32]*pendingRequest{}
	c.handling.wanted = map[uint32]*handledRequest{}
	return c
}

// ID is a number that no other connection of the listener has; 0 for a client.
func (c *Conn) ID() uint64 { return c.id }

// Address is the socket's path or the pipe's name.
func (c *Conn) Address() string { return c.address }

// Status is the present status of the connection.
func (c *Conn) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// Profile is the present wire, or the last one: ProfileClassic or ProfileNative.
func (c *Conn) Profile() Profile {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.profile
}

// Encrypted reports whether the wire is encrypted, or was when last connected.
func (c *Conn) Encrypted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.encrypted
}

// Peer is what a native peer declares about its process; the zero value for a classic peer.
func (c *Conn) Peer() PeerInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peer
}

// QueuedBytes is the number of bytes that were written and have not left this process or, natively, are not read by
// the peer's application.
func (c *Conn) QueuedBytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queuedBytes()
}

// Done is closed once the connection is over for good, and Err says why: ErrClosed after a Close of either end.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err is nil until the connection is over.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		return nil
	}
	return c.closedError()
}

func (c *Conn) closedError() error {
	if c.err != nil {
		return c.err
	}
	return fault.New(fault.Closed, "the connection is closed")
}

func (c *Conn) queuedBytes() int64 {
	switch {
	case c.session != nil:
		return c.session.QueuedBytes()
	case c.link != nil:
		return c.link.engine.QueuedBytes()
	default:
		return 0
	}
}

func (c *Conn) queuedMessageBytes() int64 {
	if c.session != nil {
		return c.session.QueuedMessageBytes()
	}
	return c.queuedBytes()
}

// received handles an event of the peer.
func (c *Conn) received(l *link, event *session.Event) {
	switch event.Kind {
	case session.MessageEvent:
		if c.closedHere {
			return
		}
		c.stats.Received.count(event.Data)
		next := unread{message: Message{event.Type, event.Data, c.memoryOf(event)}, position: event.Position}
		if l.engine.IsNative() {
			next.session = c.session
		}
		c.inbox.Push(next)
		c.inboxBytes += len(event.Data) + unreadOverheadBytes
		c.signalReadable()
	case session.RequestEvent:
		c.requestCame(event)
	case session.CancelEvent:
		c.cancelCame(event.ID)
	case session.AnswerEvent:
		c.answerCame(event.ID, event.Data, nil)
	case session.FailureEvent:
		c.answerCame(event.ID, nil, &fault.Error{Code: fault.Code(event.Code), Message: event.Text, Data: event.Data, Remote: true})
	default:
		c.streamCame(event)
	}
}

func (c *Conn) setStatus(status Status) {
	if c.status == status {
		return
	}
	c.status = status
	if c.config.Logger != nil {
		c.config.Logger.Debug("sealpipe: status", "address", c.address, "connection", c.id, "status", string(status))
	}
	if told := c.config.OnStatus; told != nil {
		c.notify.call(func() { told(c, status) })
	}
}

// tell reports an error that no call returns.
func (c *Conn) tell(err error) {
	if err == nil {
		return
	}
	if c.config.Logger != nil {
		c.config.Logger.Warn("sealpipe: connection", "address", c.address, "connection", c.id, "error", err)
	}
	if told := c.config.OnError; told != nil {
		c.notify.offer(func() { told(c, err) })
	}
}

// attach goes on with a link, which is not running yet. Called with the lock.
func (c *Conn) attach(l *link, opened *engine.Opened, sess *session.Session) {
	c.link, c.last = l, l
	c.profile, c.encrypted = opened.Profile, opened.Encrypted
	c.peer, c.offered = PeerInfo{}, nil
	if opened.Hello != nil {
		c.peer, c.offered = opened.Hello.Peer, opened.Hello.Offers
	}
	if c.openedAt.IsZero() {
		c.openedAt = time.Now()
	} else {
		c.stats.Reconnects++
	}
	if opened.Resumed {
		c.stats.Resumes++
	}
	before := c.session
	c.session = sess
	if before != nil && before != sess {
		c.carry(before, sessionEnded(opened))
	}
	c.setStatus(Connected)
	l.run()
	if len(c.flushWaits) > 0 {
		l.engine.AskForAcknowledgement()
	}
	l.progressed()
	c.streamsGoOn()
	c.checkWaits()
}
