package contract

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"sealpipe"
)

// events are those that arrive at a connection, of all contracts that it has to do with.
type events struct {
	mu        sync.Mutex
	started   bool
	receivers map[uint32]func([]byte)
}

// receive sets what becomes of messages of that type; nil for nothing.
func (e *events) receive(number uint32, receiver func([]byte)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.receivers == nil {
		e.receivers = map[uint32]func([]byte){}
	}
	e.receivers[number] = receiver
}

// start has the connection's messages be taken from now on: those that nobody listens for are dropped.
func (e *events) start(conn *sealpipe.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.started {
		return
	}
	e.started = true
	go func() {
		for message, err := range conn.Messages(context.Background()) {
			if err != nil {
				return
			}
			e.mu.Lock()
			receiver := e.receivers[message.Type]
			e.mu.Unlock()
			if receiver != nil {
				receiver(message.Data)
			}
		}
	}()
}

// listeners are those for the events of a contract that one end hears.
type listeners struct {
	mu     sync.Mutex
	byName map[string][]*listener
	// heard is closed once somebody listens.
	heard chan struct{}
	once  sync.Once
}

type listener struct {
	hear func(conn *sealpipe.Conn, data []byte) []Issue
}

func newListeners() *listeners {
	return &listeners{byName: map[string][]*listener{}, heard: make(chan struct{})}
}

func (l *listeners) add(m *Member, hear func(*sealpipe.Conn, []byte) []Issue) (remove func()) {
	added := &listener{hear}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byName[m.Name] = append(l.byName[m.Name], added)
	l.once.Do(func() { close(l.heard) })
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.byName[m.Name] = slices.DeleteFunc(slices.Clone(l.byName[m.Name]), func(each *listener) bool { return each == added })
	}
}

// receivers takes the events of the contract that this end hears on a connection, and reports the first of each that does not fit.
func (l *listeners) receivers(conn *sealpipe.Conn, c *Contract, implements bool, report Report) {
	for _, member := range c.members {
		if member.Kind != "event" || !member.sends(!implements) {
			continue
		}
		var told sync.Once
		stateOf(conn).events.receive(member.Number, func(data []byte) {
			l.mu.Lock()
			hearing := l.byName[member.Name]
			l.mu.Unlock()
			if issues := member.data.issues(data); len(issues) > 0 {
				told.Do(func() { report(conn, dropped(member, issues)) })
				return
			}
			for _, each := range hearing {
				if issues := each.hear(conn, data); len(issues) > 0 {
					told.Do(func() { report(conn, dropped(member, issues)) })
				}
			}
		})
	}
}

func dropped(m *Member, issues []Issue) error {
	message := fmt.Sprintf("an event %q was dropped: %s", m.Name, issuesText(issues))
	return &InvalidError{sealpipe.ErrInvalidInput, message, issues, nil}
}

func hearing[T any](m *Member, listen func(*sealpipe.Conn, T)) func(*sealpipe.Conn, []byte) []Issue {
	return func(conn *sealpipe.Conn, data []byte) []Issue {
		value, issues := decode[T](m.data, data)
		if len(issues) == 0 {
			listen(conn, value)
		}
		return issues
	}
}

// Emit sends an event to the other end of a connection; as Write.
func Emit[T any](ctx context.Context, conn *sealpipe.Conn, m *Member, data T) error {
	encoded, err := encode(m.data, data)
	if err != nil {
		return err
	}
	return conn.Write(ctx, m.Number, encoded)
}

// EmitAll sends an event to all clients of a listener, as its Broadcast, or to the other end of a connection.
func EmitAll[T any](ctx context.Context, i *Implementation, m *Member, data T) error {
	listener, isListener := i.endpoint.(*sealpipe.Listener)
	if !isListener {
		return Emit(ctx, i.endpoint.(*sealpipe.Conn), m, data)
	}
	encoded, err := encode(m.data, data)
	if err != nil {
		return err
	}
	return listener.Broadcast(ctx, m.Number, encoded)
}
