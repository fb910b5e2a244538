package sealpipe

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"sealpipe/internal/engine"
	"sealpipe/internal/fault"
	"sealpipe/internal/fifo"
	"sealpipe/internal/session"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

// unreadOverheadBytes is what a message that waits to be read counts with besides its data.
const unreadOverheadBytes = 256

// Conn is one end of a channel: what Dial returns, and what a Listener accepts. A client's stays connected: when the server
// goes, it waits for it to come back. All methods may be called by several goroutines at a time.
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
	// closedHere: by a call of ours, not by the peer.
	closedHere bool
	// link is the connection of now, if there is one; last is that or the one before.
	link, last *link
	// session is that of a native connection, or where a client's messages wait without one.
	session  *session.Session
	openedAt time.Time
	// resumes counts how often a client has come back.
	resumes   int
	profile   Profile
	encrypted bool
	peer      PeerInfo

	inbox      fifo.Queue[unread]
	inboxBytes int
	readable   chan struct{}
	roomWaits  []chan struct{}
	flushWaits []chan error
	requests   pendingRequests
	handling   handledRequests
}

// unread is a message that waits to be read, of a session.
type unread struct {
	message  Message
	position int64
	session  *session.Session
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

// ID is a number that no other connection of the listener has; 0 of a client.
func (c *Conn) ID() uint64 { return c.id }

// Address is the socket's path or the pipe's name.
func (c *Conn) Address() string { return c.address }

// Status is where the connection stands.
func (c *Conn) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// Profile is the wire that is spoken, or was last: ProfileClassic or ProfileNative.
func (c *Conn) Profile() Profile {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.profile
}

// Encrypted reports whether the wire is, or was last.
func (c *Conn) Encrypted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.encrypted
}

// Peer is what a native peer has told of its process; the zero value of a classic one.
func (c *Conn) Peer() PeerInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peer
}

// QueuedBytes were written and have not left this process or, natively, are not read by the peer's application.
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

// Read waits for the next message. After the connection is over it still gives those that had arrived, unless this end closed
// it, and then Err. With a context that ends it returns the context's error, as ErrReadTimeout if that was a deadline, and
// no message is lost.
func (c *Conn) Read(ctx context.Context) (Message, error) {
	for {
		c.mu.Lock()
		if c.inbox.Len() > 0 {
			next := c.inbox.Pop()
			c.consumed(&next)
			if c.inbox.Len() > 0 {
				c.signalReadable()
			}
			c.mu.Unlock()
			return next.message, nil
		}
		if c.over || c.closedHere {
			defer c.mu.Unlock()
			// For the next of those that wait.
			c.signalReadable()
			return Message{}, c.closedError()
		}
		c.mu.Unlock()
		select {
		case <-c.readable:
		case <-ctx.Done():
			return Message{}, waitError(ctx, fault.ReadTimeout, "no message came in time")
		}
	}
}

// waitError is the context's, with a code of ours if its time is over.
func waitError(ctx context.Context, code fault.Code, what string) error {
	err := context.Cause(ctx)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.Wrap(code, err, "%s", what)
	}
	return err
}

// Messages ranges over the messages as they come. It ends when the connection was closed in order by either end or the
// context ends; any other end is given as an error, last.
func (c *Conn) Messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			message, err := c.Read(ctx)
			if err != nil && (errors.Is(err, fault.Closed) || ctx.Err() != nil) {
				return
			}
			if !yield(message, err) || err != nil {
				return
			}
		}
	}
}

func (c *Conn) signalReadable() {
	select {
	case c.readable <- struct{}{}:
	default:
	}
}

// consumed tells the peer's session, and the reader of a classic connection.
func (c *Conn) consumed(next *unread) {
	c.inboxBytes -= len(next.message.Data) + unreadOverheadBytes
	if next.session != nil && next.session == c.session {
		c.session.ConsumeMessage(next.position)
		if c.link != nil {
			c.link.engine.Consumed(now())
			c.link.progressed()
		}
	}
	if c.link != nil && c.link.paused && !c.mustPause(c.link) {
		c.link.resumeReading()
	}
}

// mustPause: a classic peer that sends more than waits to be read has to wait itself.
func (c *Conn) mustPause(l *link) bool {
	return !l.engine.IsNative() && c.inboxBytes > c.config.MaxQueuedBytes && !c.closedHere
}

// Write queues a message; nothing of data is needed after it. It waits while MaxQueuedBytes are queued, until the peer has
// taken some of them or the context ends, which is ErrQueueFull if that was a deadline. A nil error says that the message will
// leave in order, not that it has; Flush does. While a client reconnects messages wait for the connection, unless
// DisableOfflineQueue is set.
//
// On the classic wire nothing tells what the peer has read: a message that was on its way when the connection broke may or may
// not have arrived.
func (c *Conn) Write(ctx context.Context, msgType uint32, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := session.CheckMessage(msgType, len(data), c.config.MaxMessageBytes); err != nil {
		return err
	}
	for {
		if err := c.checkOpen(); err != nil {
			return err
		}
		if c.queuedMessageBytes() < int64(c.config.MaxQueuedBytes) {
			return c.send(msgType, data)
		}
		if err := c.waitForRoom(ctx); err != nil {
			return err
		}
	}
}

// WriteText is Write of text, as UTF-8.
func (c *Conn) WriteText(ctx context.Context, msgType uint32, text string) error {
	return c.Write(ctx, msgType, []byte(text))
}

func (c *Conn) checkOpen() error {
	if c.over || c.closedHere {
		return c.closedError()
	}
	if c.link == nil && c.config.DisableOfflineQueue && c.role == wire.ClientSide {
		return fault.New(fault.NotConnected, "the client is not connected, and DisableOfflineQueue is set")
	}
	return nil
}

// waitForRoom is called, and returns, with the lock.
func (c *Conn) waitForRoom(ctx context.Context) error {
	wait := make(chan struct{})
	c.roomWaits = append(c.roomWaits, wait)
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-wait:
		return nil
	case <-ctx.Done():
		return waitError(ctx, fault.QueueFull, "the peer did not take what was written in time")
	}
}

// send queues a message on what there is.
func (c *Conn) send(msgType uint32, data []byte) error {
	if c.link != nil && !c.link.engine.IsNative() {
		err := c.link.engine.SendClassic(msgType, data, now())
		c.link.progressed()
		return err
	}
	if err := c.sendable().SendMessage(msgType, data); err != nil {
		return err
	}
	c.sent()
	return nil
}

// sendable is the session to send in: without a connection it is where a client's messages wait.
func (c *Conn) sendable() *session.Session {
	if c.session == nil {
		c.session = session.New(c.config.MaxMessageBytes, c.config.windows())
	}
	return c.session
}

func (c *Conn) sent() {
	if c.link != nil {
		c.link.progressed()
	} else if c.listener != nil {
		c.listener.keeps(c)
	}
}

// Flush waits until everything written has left this process or, natively, was read by the peer's application. That a classic
// peer has read it only an answer of its own tells.
func (c *Conn) Flush(ctx context.Context) error {
	c.mu.Lock()
	if c.over {
		defer c.mu.Unlock()
		return c.closedError()
	}
	if c.queuedBytes() == 0 {
		c.mu.Unlock()
		return nil
	}
	if c.link != nil {
		c.link.engine.AskForAcknowledgement()
		c.link.progressed()
	}
	wait := make(chan error, 1)
	c.flushWaits = append(c.flushWaits, wait)
	c.mu.Unlock()
	select {
	case err := <-wait:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// outputLeft: something was written, or the peer has acknowledged something.
func (c *Conn) outputLeft(*link) { c.checkWaits() }

// checkWaits lets those go on that wait for room, or for nothing to be queued.
func (c *Conn) checkWaits() {
	if len(c.roomWaits) > 0 && (c.over || c.closedHere || c.queuedMessageBytes() < int64(c.config.MaxQueuedBytes)) {
		for _, wait := range c.roomWaits {
			close(wait)
		}
		c.roomWaits = nil
	}
	if len(c.flushWaits) > 0 && c.queuedBytes() == 0 {
		c.settleFlushes(nil)
	}
	c.startHandlers()
}

func (c *Conn) settleFlushes(err error) {
	for _, wait := range c.flushWaits {
		wait <- err
	}
	c.flushWaits = nil
}

// received is told what the peer says.
func (c *Conn) received(l *link, event *session.Event) {
	switch event.Kind {
	case session.MessageEvent:
		if c.closedHere {
			return
		}
		next := unread{message: Message{event.Type, event.Data}, position: event.Position}
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
		c.answerCame(event.ID, nil, &fault.Error{Code: fault.Code(event.Code), Message: event.Text, Remote: true})
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

// tell reports an error that is nobody's return value.
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

func (c *Conn) tellLost(lost []session.Message) {
	told := c.config.OnSessionLost
	if len(lost) == 0 || told == nil {
		return
	}
	messages := make([]Message, len(lost))
	for index, message := range lost {
		messages[index] = Message(message)
	}
	c.notify.call(func() { told(c, messages) })
}

// attach goes on by a link, which is not running yet. Called with the lock.
func (c *Conn) attach(l *link, opened *engine.Opened, sess *session.Session) {
	c.link, c.last = l, l
	c.profile, c.encrypted = opened.Profile, opened.Encrypted
	c.peer = PeerInfo{}
	if opened.Hello != nil {
		c.peer = opened.Hello.Peer
	}
	if c.openedAt.IsZero() {
		c.openedAt = time.Now()
	}
	before := c.session
	c.session = sess
	if before != nil && before != sess {
		c.carry(before)
	}
	c.setStatus(Connected)
	l.run()
	if len(c.flushWaits) > 0 {
		l.engine.AskForAcknowledgement()
	}
	l.progressed()
	c.checkWaits()
}

// carry takes over what an earlier session has left: what was not sent goes out now, and what may have arrived is told.
func (c *Conn) carry(before *session.Session) {
	hadIdentity := before.Identity() != nil
	left := before.Abandon()
	for _, message := range left.Unsent {
		if err := c.send(message.Type, message.Data); err != nil {
			c.tell(err)
		}
	}
	c.requestsLost(sessionLost(), left.UnsentRequests)
	if hadIdentity {
		c.tellLost(left.Unacknowledged)
		if len(left.Unacknowledged) > 0 {
			c.settleFlushes(sessionLost())
		}
	}
}

func sessionLost() error {
	return fault.New(fault.SessionLost, "the peer no longer knows the session: what was under way may have arrived or not")
}

// isResumable: the connection broke, hung, or was tampered with, and the peer itself did nothing wrong.
func isResumable(err error) bool {
	return errors.Is(err, fault.ConnectionLost) || errors.Is(err, fault.KeepaliveTimeout) ||
		errors.Is(err, fault.FrameTimeout) || errors.Is(err, fault.DecryptionFailed)
}

// linkEnded: the engine of the link has closed. Called with the lock.
func (c *Conn) linkEnded(l *link) {
	if c.link != l {
		return
	}
	err := l.engine.Err()
	c.link = nil
	mayResume := !c.closedHere && isResumable(err) && c.session != nil && c.session.Identity() != nil
	switch {
	case c.closedHere:
		c.end(Closed, err)
	case c.role == wire.ClientSide:
		c.clientLost(err, mayResume)
	case mayResume:
		c.setStatus(Reconnecting)
		c.tell(err)
		c.listener.detached(c)
	case err != nil:
		c.tell(err)
		c.end(Failed, err)
	default:
		c.end(Disconnected, nil)
	}
}

// clientLost: a client tries again; its session waits if it can be resumed, and is over otherwise.
func (c *Conn) clientLost(err error, mayResume bool) {
	c.setStatus(Reconnecting)
	c.tell(err)
	if !mayResume {
		if before := c.session; before != nil {
			c.session = nil
			c.carry(before)
		} else {
			c.settleFlushes(fault.Wrap(fault.ConnectionLost, err, "the connection was lost before everything written had left"))
			c.requestsLost(sessionLost(), nil)
		}
	}
	c.checkWaits()
}

// end: the connection is over for good. Called with the lock.
func (c *Conn) end(status Status, err error) {
	if c.over {
		return
	}
	c.over = true
	c.err = err
	if c.session != nil {
		// A peer that leaves in order wants no more, and one that we leave was told.
		if left := c.session.Abandon(); err != nil && !c.closedHere {
			c.tellLost(left.Unacknowledged)
		}
		c.session = nil
	}
	reason := c.closedError()
	c.requestsLost(reason, nil)
	c.settleFlushes(reason)
	c.checkWaits()
	c.signalReadable()
	c.setStatus(status)
	c.cancel()
	if c.listener != nil {
		c.listener.ended(c)
	}
	if c.link == nil && (c.last == nil || isClosed(c.last.released)) {
		c.finish()
	}
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// released: the goroutines and the transport of a link are gone.
func (c *Conn) released(l *link) {
	if c.over && c.last == l {
		c.finish()
	}
}

func (c *Conn) finish() {
	if !isClosed(c.done) {
		close(c.done)
	}
}

// Close ends the connection in order: what was written is sent first, and what was not read is dropped. It waits until the
// connection is closed: a peer gets CloseTimeout to take each tenth of what was written, and ten times that in all. A client
// that waits for its server drops what waits with it; Flush first to wait for it. The error is why not all has left, if so.
func (c *Conn) Close() error {
	c.mu.Lock()
	if !c.over && !c.closedHere {
		c.closedHere = true
		c.setStatus(Closing)
		c.inbox.Clear()
		c.inboxBytes = 0
		c.signalReadable()
		c.cancel()
		if c.link == nil {
			c.end(Closed, nil)
		} else {
			c.link.engine.Close(now())
			c.link.resumeReading()
			c.link.progressed()
		}
		c.checkWaits()
	}
	c.mu.Unlock()
	<-c.done
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closedHere {
		return c.err
	}
	return nil
}

// Destroy drops the connection at once, and what was written with it. What waits for it fails with err, or ErrClosed without
// one.
func (c *Conn) Destroy(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closedHere = true
	c.inbox.Clear()
	c.inboxBytes = 0
	status := Closed
	if err != nil {
		status = Failed
	}
	c.dropLink()
	c.end(status, err)
}

// dropLink drops the connection of now, if there is one; the session stays.
func (c *Conn) dropLink() {
	if l := c.link; l != nil {
		c.link = nil
		l.drop()
	}
}
