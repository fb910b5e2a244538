package ipc

import (
	"context"
	"errors"
	"sync"
	"time"

	"sealpipe"
)

const (
	defaultRetryTimer = 20
	firstRetry        = 100 * time.Millisecond
	maxMessageBytes   = 1 << 30
)

// Client stays connected to a server.
type Client struct {
	Name string

	mailbox *mailbox
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex
	conn *sealpipe.Conn
}

// StartClient starts a client, which connects by itself: Read tells how that goes.
func StartClient(ipcName string, config *ClientConfig) (*Client, error) {
	if ipcName == "" {
		return nil, errors.New("ipcName cannot be an empty string")
	}
	if config == nil {
		config = &ClientConfig{Encryption: true, RetryTimer: defaultRetryTimer}
	}
	retry := max(1, config.RetryTimer) * time.Second
	c := &Client{Name: ipcName, mailbox: newMailbox()}
	options := &sealpipe.Options{
		AnyName: true, DisableEncryption: !config.Encryption, DisableOfflineQueue: true, MaxMessageBytes: maxMessageBytes,
		RetryDelay: firstRetry, MaxRetryDelay: retry, OnStatus: c.statusChanged,
	}
	if config.Timeout > 0 {
		options.ConnectTimeout = max(time.Millisecond, time.Duration(config.Timeout*float64(time.Second)))
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	c.mailbox.move(Connecting, nil)
	c.running.Add(1)
	go c.run(ctx, options)
	return c, nil
}

func (c *Client) run(ctx context.Context, options *sealpipe.Options) {
	defer c.running.Done()
	conn, err := sealpipe.Dial(ctx, c.Name, options)
	if err != nil {
		if ctx.Err() == nil {
			c.mailbox.end(failedStatus(err), false, connectError(err))
		}
		return
	}
	c.mu.Lock()
	c.conn = conn
	c.mu.Unlock()
	c.mailbox.move(Connected, nil)
	for message, err := range conn.Messages(ctx) {
		if err != nil {
			if errors.Is(err, sealpipe.ErrConnectTimeout) {
				c.mailbox.end(Timeout, true, errors.New("timed out trying to re-connect"))
			} else {
				c.mailbox.end(Error, false, connectError(err))
			}
			return
		}
		c.mailbox.put(&Message{MsgType: int(message.Type), Data: message.Data})
	}
}

// connectError has golang-ipc's texts.
func connectError(err error) error {
	switch {
	case errors.Is(err, sealpipe.ErrConnectTimeout):
		return errors.New("timed out trying to connect")
	case errors.Is(err, sealpipe.ErrEncryptionRequired):
		return errors.New("server tried to connect without encryption")
	case errors.Is(err, sealpipe.ErrVersionMismatch):
		return errors.New("server has sent a different version number")
	default:
		return err
	}
}

func failedStatus(err error) Status {
	if errors.Is(err, sealpipe.ErrConnectTimeout) {
		return Closed
	}
	return Error
}

// statusChanged tells of a connection that is lost, and of the one after it.
func (c *Client) statusChanged(_ *sealpipe.Conn, status sealpipe.Status) {
	switch {
	case status == sealpipe.Reconnecting:
		c.mailbox.move(ReConnecting, nil)
	case status == sealpipe.Connected && c.mailbox.current() == ReConnecting:
		c.mailbox.move(Connected, nil)
	}
}

// Read waits for the next message. Those with a MsgType of -1 tell of a change of Status. After an error it blocks.
func (c *Client) Read() (*Message, error) { return c.mailbox.read() }

// Write sends a message to the server.
func (c *Client) Write(msgType int, message []byte) error {
	if uint32(msgType) == 0 {
		return errors.New("Message type 0 is reserved")
	}
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	status := c.mailbox.current()
	if conn == nil || status != Connected {
		return errors.New(status.String())
	}
	err := conn.Write(context.Background(), uint32(msgType), message)
	switch {
	case errors.Is(err, sealpipe.ErrMessageTooLarge), errors.Is(err, sealpipe.ErrTooLargeForPeer):
		return errors.New("Message exceeds maximum message length")
	case err != nil:
		status = c.mailbox.current()
		return errors.New(status.String())
	default:
		return nil
	}
}

// StatusCode is where the client stands.
func (c *Client) StatusCode() Status { return c.mailbox.current() }

// Status is the same as text.
func (c *Client) Status() string {
	status := c.mailbox.current()
	return status.String()
}

// Close ends the client, once what was written has left.
func (c *Client) Close() {
	if !c.mailbox.close() {
		return
	}
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
	c.cancel()
	c.running.Wait()
	c.mu.Lock()
	conn = c.conn
	c.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
	c.mailbox.end(Closed, true, errors.New("client has closed the connection"))
}
