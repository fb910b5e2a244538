package contract

import (
	"errors"
	"fmt"
	"log/slog"

	"sealpipe"
)

// InvalidError says that data did not fit the contract: an input with ErrInvalidInput, which the handler then never saw, or an
// output with ErrInvalidOutput. errors.Is(err, sealpipe.ErrInvalidInput) tells which.
type InvalidError struct {
	Code    sealpipe.Code
	Message string
	// Issues are what a schema found. There are none of an output that the other end found wrong itself.
	Issues []Issue
	cause  error
}

func (e *InvalidError) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

func (e *InvalidError) Unwrap() error { return e.cause }

// Is reports whether target is the error's code.
func (e *InvalidError) Is(target error) bool { return target == error(e.Code) }

// Declared is an error that a contract declares. Generated code has one for each.
type Declared interface {
	error
	// Failure is whose it is, and what the caller gets: data is nil if there are none.
	Failure() (member *Member, code, message string, data any)
}

// Declare has the error of that code be what `make` makes of it at the caller. Generated code does so.
func (m *Member) Declare(code string, make func(message string, data []byte) error) *Member {
	if m.declared == nil {
		m.declared = map[string]func(string, []byte) error{}
	}
	m.declared[code] = make
	return m
}

// WithData makes an error with data.
func WithData[T any](make func(message string, data T) error) func(string, []byte) error {
	return func(message string, data []byte) error {
		var value T
		if Unmarshal(data, &value) != nil {
			return nil
		}
		return make(message, value)
	}
}

// WithoutData makes an error without data.
func WithoutData(make func(message string) error) func(string, []byte) error {
	return func(message string, _ []byte) error { return make(message) }
}

// received is an error of the contract if what the peer answered is one, and otherwise what it was.
func (m *Member) received(err error) error {
	var remote *sealpipe.Error
	if !errors.As(err, &remote) || !remote.Remote {
		return err
	}
	if remote.Code == sealpipe.ErrInvalidInput || remote.Code == sealpipe.ErrInvalidOutput {
		return &InvalidError{remote.Code, remote.Message, receivedIssues(remote.Data), err}
	}
	make := m.declared[string(remote.Code)]
	// A code that means something else than the contract says is none of its codes.
	if make == nil || len(m.errors[string(remote.Code)].issues(remote.Data)) > 0 {
		return err
	}
	if declared := make(remote.Message, remote.Data); declared != nil {
		return declared
	}
	return err
}

// sent is what the core makes a failure of for an error of a handler.
func (m *Member) sent(err error) error {
	var declared Declared
	if errors.As(err, &declared) {
		member, code, message, data := declared.Failure()
		if member != m {
			// Of another method, which this one has called: its codes mean nothing here.
			return errors.New(err.Error())
		}
		if message == "" {
			message = fmt.Sprintf("%q failed with %s", m.Name, code)
		}
		failure := &sealpipe.Error{Code: sealpipe.Code(code), Message: message}
		if of := m.errors[code]; of != nil {
			encoded, encoding := encode(of, data)
			if encoding != nil {
				return encoding
			}
			failure.Data = encoded
		}
		return failure
	}
	var invalid *InvalidError
	if errors.As(err, &invalid) {
		return errors.New(err.Error())
	}
	return err
}

func issuesText(issues []Issue) string {
	if len(issues) == 0 {
		return "it does not fit"
	}
	where := ""
	for index, key := range issues[0].Path {
		if index > 0 {
			where += "."
		}
		where += fmt.Sprint(key)
	}
	if where != "" {
		where += ": "
	}
	return where + issues[0].Message
}

// Report tells a program of what it goes on after: an event that was dropped, an output of its own that did not fit.
type Report func(conn *sealpipe.Conn, err error)

func logged(conn *sealpipe.Conn, err error) {
	slog.Warn("sealpipe/contract", "address", conn.Address(), "connection", conn.ID(), "error", err)
}
