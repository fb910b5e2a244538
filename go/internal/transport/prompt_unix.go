//go:build unix

package transport

import "syscall"

// Prompt writes what the system takes at once, and never waits. One goroutine uses it at a time, while no other writes.
type Prompt struct {
	raw     syscall.RawConn
	bytes   []byte
	written int
	// once is made once, so that a write allocates nothing.
	once func(descriptor uintptr) bool
}

// NewPrompt is nil if the system cannot say that it would have to wait.
func NewPrompt(conn Conn) *Prompt {
	has, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := has.SyscallConn()
	if err != nil {
		return nil
	}
	p := &Prompt{raw: raw}
	p.once = func(descriptor uintptr) bool {
		// A failure is seen by the write that follows.
		p.written, _ = syscall.Write(int(descriptor), p.bytes)
		return true
	}
	return p
}

// Write returns how many bytes the system took.
func (p *Prompt) Write(bytes []byte) int {
	p.bytes, p.written = bytes, 0
	_ = p.raw.Write(p.once)
	p.bytes = nil
	return max(0, p.written)
}
