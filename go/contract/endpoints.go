package contract

import (
	"fmt"
	"runtime"
	"sync"
	"weak"

	"sealpipe"
)

// endpointState is what contracts have on one listener or connection.
type endpointState struct {
	mu sync.Mutex
	// uses are the numbers that are taken, and by what.
	uses map[string]string
	// described are the contracts that are implemented there.
	described map[string]*Contract
	events    events
}

var states = struct {
	sync.Mutex
	of map[any]*endpointState
}{of: map[any]*endpointState{}}

// stateOf is that of a listener or a connection, as long as that is in use.
func stateOf[T any](endpoint *T) *endpointState {
	states.Lock()
	defer states.Unlock()
	key := weak.Make(endpoint)
	known := states.of[key]
	if known == nil {
		known = &endpointState{uses: map[string]string{}, described: map[string]*Contract{}}
		states.of[key] = known
		runtime.AddCleanup(endpoint, func(key weak.Pointer[T]) {
			states.Lock()
			defer states.Unlock()
			delete(states.of, key)
		}, key)
	}
	return known
}

// claim takes the numbers of a contract, so that no other contract there means something else by one of them. It returns what gives
// them back.
func (s *endpointState) claim(c *Contract, implements bool) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := map[string]string{}
	for name, member := range c.members {
		for _, use := range member.uses(implements) {
			wanted[use] = fmt.Sprintf("%q of contract %q", name, c.Name)
		}
	}
	for _, use := range sortedKeys(wanted) {
		if other, taken := s.uses[use]; taken {
			return nil, invalidArgument("%s and %s are both %s here", wanted[use], other, use)
		}
	}
	for use, by := range wanted {
		s.uses[use] = by
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for use := range wanted {
			delete(s.uses, use)
		}
		wanted = nil
	}, nil
}

func (m *Member) uses(implements bool) (uses []string) {
	if m.Kind != "event" {
		does := "calls"
		if implements {
			does = "handles"
		}
		return []string{fmt.Sprintf("%s %d that this end %s", m.Kind, m.Number, does)}
	}
	if m.sends(implements) {
		uses = append(uses, fmt.Sprintf("event %d that this end sends", m.Number))
	}
	if m.sends(!implements) {
		uses = append(uses, fmt.Sprintf("event %d that this end hears", m.Number))
	}
	return uses
}

func invalidArgument(format string, args ...any) error {
	return &sealpipe.Error{Code: sealpipe.ErrInvalidArgument, Message: fmt.Sprintf(format, args...)}
}
