package sealpipe

import "sync"

// notifier calls the application's functions in order, from a goroutine that is there only while there is something to call:
// so nothing of ours waits for the application, and no lock is held meanwhile.
type notifier struct {
	mu      sync.Mutex
	calls   []func()
	running bool
}

func (n *notifier) call(call func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = append(n.calls, call)
	if !n.running {
		n.running = true
		go n.run()
	}
}

func (n *notifier) run() {
	for {
		n.mu.Lock()
		if len(n.calls) == 0 {
			n.running = false
			n.mu.Unlock()
			return
		}
		next := n.calls[0]
		n.calls = n.calls[1:]
		n.mu.Unlock()
		next()
	}
}
