package sealpipe

import "sync"

// maxWaitingCalls bounds the queue: a peer can cause errors faster than an application handles them.
const maxWaitingCalls = 1_024

// notifier calls the application's functions in order, from a goroutine that exists only while there is something to
// call: so the library does not wait for the application, and holds no lock meanwhile.
type notifier struct {
	mu      sync.Mutex
	calls   []func()
	running bool
}

func (n *notifier) call(call func()) { n.add(call, false) }

// offer does the same for calls of which there may be any number: it drops the call while too many wait.
func (n *notifier) offer(call func()) { n.add(call, true) }

func (n *notifier) add(call func(), mayBeLeftOut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if mayBeLeftOut && len(n.calls) >= maxWaitingCalls {
		return
	}
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
