package transport

// Prompt writes what the system takes at once. A pipe of Windows has no such write.
type Prompt struct{}

// NewPrompt is nil: a pipe cannot say that it would have to wait.
func NewPrompt(Conn) *Prompt { return nil }

// Write is never called.
func (*Prompt) Write([]byte) int { return 0 }
