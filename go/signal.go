package sealpipe

import "context"

// signal wakes all that wait for it, as often as it is fired. The lock of a connection guards it.
type signal struct{ fired chan struct{} }

func (s *signal) fire() {
	if s.fired != nil {
		close(s.fired)
		s.fired = nil
	}
}

// wait is called, and returns, with the lock. It reports false if the context ended first.
func (c *Conn) wait(ctx context.Context, s *signal) bool {
	if s.fired == nil {
		s.fired = make(chan struct{})
	}
	fired := s.fired
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-fired:
		return true
	case <-ctx.Done():
		return false
	}
}
