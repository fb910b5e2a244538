package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sealpipe"
)

// describeType is that of requests that ask for the description of a contract, and describeTimeout how long a peer may take.
const (
	describeType    = 4_294_967_295
	describeTimeout = 5 * time.Second
	maxTold         = 8
)

// Caller is the end of a connection that calls a contract.
type Caller struct {
	conn      *sealpipe.Conn
	contract  *Contract
	own       *document
	listeners *listeners
	report    Report

	mu sync.Mutex
	// members are those that the peer has; nil if it does not tell. hash is with what it was asked last.
	members map[string]bool
	hash    []byte
}

// Bind is the caller's side of a contract on a connection. It returns once the peer is found to mean the same by it, or
// ErrContractMismatch. Generated code calls it. A nil report logs with slog.
func Bind(ctx context.Context, conn *sealpipe.Conn, c *Contract, report Report) (*Caller, error) {
	own, err := parseDescription([]byte(c.description))
	if err != nil {
		return nil, err
	}
	if report == nil {
		report = logged
	}
	caller := &Caller{conn: conn, contract: c, own: own, listeners: newListeners(), report: report}
	release, err := stateOf(conn).claim(c, false)
	if err != nil {
		return nil, err
	}
	if err := caller.check(ctx); err != nil {
		release()
		return nil, err
	}
	caller.listeners.receivers(conn, c, false, report)
	return caller, nil
}

// Dial connects to a listener as a caller of a contract. A server that comes back with another contract ends the connection with
// ErrContractMismatch. Generated code calls it.
func Dial(ctx context.Context, name string, c *Contract, given *sealpipe.Options, report Report) (*Caller, error) {
	options := Options(given, c)
	told := options.OnStatus
	var bound sync.WaitGroup
	var caller *Caller
	bound.Add(1)
	options.OnStatus = func(conn *sealpipe.Conn, status sealpipe.Status) {
		if told != nil {
			told(conn, status)
		}
		if status == sealpipe.Connected {
			go func() {
				bound.Wait()
				if caller != nil {
					caller.checkAgain()
				}
			}()
		}
	}
	defer bound.Done()
	conn, err := sealpipe.Dial(ctx, name, options)
	if err != nil {
		return nil, err
	}
	made, err := Bind(ctx, conn, c, report)
	if err != nil {
		conn.Destroy(err)
		return nil, err
	}
	caller = made
	return made, nil
}

// Conn is the connection.
func (c *Caller) Conn() *sealpipe.Conn { return c.conn }

// Has reports whether the peer has that member; true also if it does not tell.
func (c *Caller) Has(name string) bool {
	member := c.contract.members[name]
	if member == nil || c.conn.Profile() == sealpipe.ProfileClassic && member.Kind != "event" {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.members == nil || c.members[name]
}

func (c *Caller) checkAgain() {
	ctx, cancel := context.WithTimeout(context.Background(), describeTimeout)
	defer cancel()
	// Another failure is the connection's, which is told by itself.
	if err := c.check(ctx); errors.Is(err, sealpipe.ErrContractMismatch) {
		c.conn.Destroy(err)
		c.report(c.conn, err)
	}
}

// check looks at what the peer has told of itself, and asks it for its description if it has another version.
func (c *Caller) check(ctx context.Context) error {
	if c.conn.Profile() == sealpipe.ProfileClassic {
		return nil
	}
	codec, contracts := c.conn.PeerContracts()
	if codec != "" && codec != "json" {
		return mismatch("contract %q is encoded as json here, and as %s by the peer", c.contract.Name, codec)
	}
	if len(contracts) == 0 {
		return nil
	}
	isIt := func(each sealpipe.ContractIdentity) bool { return each.Name == c.contract.Name }
	index := slices.IndexFunc(contracts, isIt)
	if index < 0 {
		return mismatch("the peer speaks of %s, not of %q", namesOf(contracts), c.contract.Name)
	}
	theirs := contracts[index]
	c.mu.Lock()
	known := bytes.Equal(c.hash, theirs.Hash[:])
	c.mu.Unlock()
	if known {
		return nil
	}
	members, err := c.compare(ctx, theirs)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members, c.hash = members, theirs.Hash[:]
	return nil
}

// compare gives the members that the peer has; nil if it does not tell.
func (c *Caller) compare(ctx context.Context, theirs sealpipe.ContractIdentity) (map[string]bool, error) {
	described := c.own
	if theirs.Hash != c.contract.Identity().Hash {
		var err error
		if described, err = c.ask(ctx); described == nil || err != nil {
			return nil, err
		}
		if found := mismatches(c.own, described); len(found) > 0 {
			return nil, mismatch("contract %q (version %q here, %q at the peer): %s", c.contract.Name, c.contract.Version,
				theirs.Version, strings.Join(found[:min(len(found), maxTold)], "; "))
		}
	}
	members := map[string]bool{}
	for name := range described.members {
		members[name] = true
	}
	return members, nil
}

func (c *Caller) ask(ctx context.Context) (*document, error) {
	timed, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	answer, err := c.conn.Request(timed, describeType, []byte(c.contract.Name))
	var remote *sealpipe.Error
	if errors.As(err, &remote) && remote.Remote {
		return nil, nil // Each call finds out by itself.
	}
	if err != nil {
		return nil, err
	}
	described, err := parseDescription(answer)
	if err != nil {
		return nil, mismatch("the peer's description of %q is none: %v", c.contract.Name, err)
	}
	return described, nil
}

func namesOf(contracts []sealpipe.ContractIdentity) string {
	names := make([]string, len(contracts))
	for index, each := range contracts {
		names[index] = fmt.Sprintf("%q", each.Name)
	}
	return strings.Join(names, ", ")
}

func mismatch(format string, args ...any) error {
	return &sealpipe.Error{Code: sealpipe.ErrContractMismatch, Message: fmt.Sprintf(format, args...)}
}

// Call has a method done by the peer.
func Call[Out, In any](ctx context.Context, c *Caller, m *Member, input In) (output Out, err error) {
	data, err := encode(m.input, input)
	if err != nil {
		return output, err
	}
	answer, err := c.conn.Request(ctx, m.Number, data)
	if err != nil {
		return output, m.received(err)
	}
	output, issues := decode[Out](m.output, answer)
	if len(issues) > 0 {
		message := fmt.Sprintf("the answer to %q does not fit: %s", m.Name, issuesText(issues))
		return output, &InvalidError{sealpipe.ErrInvalidOutput, message, issues, nil}
	}
	return output, nil
}

// On listens for an event of the peer's, and returns what removes the listener. Listeners are called one after the other, and hold
// up later events. Until somebody listens for any event of the contract, events wait.
func On[T any](c *Caller, m *Member, listen func(T)) (remove func()) {
	remove = c.listeners.add(m, hearing(m, func(_ *sealpipe.Conn, data T) { listen(data) }))
	stateOf(c.conn).events.start(c.conn)
	return remove
}
