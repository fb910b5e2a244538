package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"sealpipe"
)

// Endpoint is what a contract can be implemented on: a listener, for all its clients, or one connection.
type Endpoint interface {
	Handle(requestType uint32, handler sealpipe.Handler)
	HandleStream(streamType uint32, handler sealpipe.StreamHandler)
}

// Implementation is a contract's, on an endpoint.
type Implementation struct {
	endpoint  Endpoint
	contract  *Contract
	listeners *listeners
	report    Report
}

// Implement begins to implement a contract on a *sealpipe.Listener or a *sealpipe.Conn: HandleMethod and the like add what it does.
// It fails with ErrInvalidArgument if another contract there uses one of the numbers. A nil report logs with slog.
func Implement(endpoint Endpoint, c *Contract, report Report) (*Implementation, error) {
	if report == nil {
		report = logged
	}
	i := &Implementation{endpoint: endpoint, contract: c, listeners: newListeners(), report: report}
	var state *endpointState
	switch endpoint := endpoint.(type) {
	case *sealpipe.Listener:
		state = stateOf(endpoint)
	case *sealpipe.Conn:
		state = stateOf(endpoint)
	default:
		return nil, invalidArgument("a contract is implemented on a *sealpipe.Listener or a *sealpipe.Conn, not on a %T", endpoint)
	}
	if _, err := state.claim(c, true); err != nil {
		return nil, err
	}
	if err := state.describe(endpoint, c); err != nil {
		return nil, err
	}
	if conn, isConn := endpoint.(*sealpipe.Conn); isConn {
		i.listeners.receivers(conn, c, true, report)
	}
	return i, nil
}

// describe has the endpoint answer whoever asks for the descriptions of its contracts. Source: spec/contracts.md, "Identity".
func (s *endpointState) describe(endpoint Endpoint, c *Contract) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.described[c.Name] != nil {
		return invalidArgument("contract %q is implemented there already", c.Name)
	}
	first := len(s.described) == 0
	s.described[c.Name] = c
	if !first {
		return nil
	}
	endpoint.Handle(describeType, func(_ context.Context, request *sealpipe.Request) ([]byte, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		known := s.described[string(request.Data)]
		if known == nil {
			return nil, sealpipe.Fail("NO_CONTRACT", "there is no contract of that name")
		}
		return []byte(known.description), nil
	})
	return nil
}

// Serve listens, and implements a contract for all clients: prepare adds what the implementation does, before any client can
// connect. Close of the listener ends it. Generated code calls it.
func Serve(name string, c *Contract, given *sealpipe.Options, report Report, prepare func(*Implementation)) (*Implementation, error) {
	options := Options(given, c)
	first := options.Prepare
	var i *Implementation
	options.Prepare = func(listener *sealpipe.Listener) (err error) {
		if first != nil {
			err = first(listener)
		}
		if err == nil {
			i, err = Implement(listener, c, report)
		}
		if err == nil && prepare != nil {
			prepare(i)
		}
		return err
	}
	listener, err := sealpipe.Listen(name, options)
	if err != nil {
		return nil, err
	}
	go func() { _ = listener.Serve(context.Background(), i.Attend) }()
	return i, nil
}

// Close closes what the contract is implemented on.
func (i *Implementation) Close() error {
	if closer, ok := i.endpoint.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// Endpoint is what the contract is implemented on: a *sealpipe.Listener or a *sealpipe.Conn.
func (i *Implementation) Endpoint() Endpoint { return i.endpoint }

// HandleMethod has calls of a method be handled.
func HandleMethod[In, Out any](i *Implementation, m *Member, handle func(context.Context, *sealpipe.Conn, In) (Out, error)) {
	i.endpoint.Handle(m.Number, func(ctx context.Context, request *sealpipe.Request) ([]byte, error) {
		input, issues := decode[In](m.input, request.Data)
		if len(issues) > 0 {
			return nil, refusal(m, issues)
		}
		output, err := handle(ctx, request.Conn, input)
		if err != nil {
			return nil, m.sent(err)
		}
		return i.answer(request.Conn, m, output)
	})
}

func (i *Implementation) answer(conn *sealpipe.Conn, m *Member, output any) ([]byte, error) {
	data, err := encode(m.output, output)
	issues := m.output.issues(data)
	if err != nil {
		issues = []Issue{{Message: err.Error(), Path: []any{}}}
	}
	if len(issues) == 0 {
		return data, nil
	}
	message := fmt.Sprintf("what the handler of %q returned does not fit: %s", m.Name, issuesText(issues))
	i.report(conn, &InvalidError{sealpipe.ErrInvalidOutput, message, issues, nil})
	return nil, &sealpipe.Error{Code: sealpipe.ErrInvalidOutput, Message: fmt.Sprintf("the answer to %q did not fit the contract", m.Name)}
}

// maxFailureData is how much the core takes with a failure.
const maxFailureData = 65_536

func refusal(m *Member, issues []Issue) error {
	data, _ := json.Marshal(issues)
	for len(data) > maxFailureData && len(issues) > 1 {
		issues = issues[:len(issues)/2]
		data, _ = json.Marshal(issues)
	}
	message := fmt.Sprintf("the input of %q does not fit: %s", m.Name, issuesText(issues))
	return &sealpipe.Error{Code: sealpipe.ErrInvalidInput, Message: message, Data: data}
}

// OnFrom listens for an event from callers, and returns what removes the listener. On a listener, events arrive at connections that
// are attended, see Attend. Until somebody listens for any event of the contract, events wait.
func OnFrom[T any](i *Implementation, m *Member, listen func(conn *sealpipe.Conn, data T)) (remove func()) {
	remove = i.listeners.add(m, hearing(m, listen))
	if conn, isConn := i.endpoint.(*sealpipe.Conn); isConn {
		stateOf(conn).events.start(conn)
	}
	return remove
}

// Attend hears a client's events until its connection is over or the context ends: what a listener's Serve takes.
func (i *Implementation) Attend(ctx context.Context, conn *sealpipe.Conn) {
	i.listeners.receivers(conn, i.contract, true, i.report)
	select {
	case <-i.listeners.heard:
		stateOf(conn).events.start(conn)
	case <-conn.Done():
	case <-ctx.Done():
	}
	select {
	case <-conn.Done():
	case <-ctx.Done():
	}
}
