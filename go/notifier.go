package sealpipe

import "sync"

// maxWaitingCalls: a peer can cause errors faster than an application hears of them.
const maxWaitingCalls = 1_024

// notifier calls the application's functions in order, from a goroutine that is there only while there is something to call:
// so nothing of ours waits for the application, and no lock is held meanwhile.
type notifier struct {
	mu      sync.Mutex
	calls   []func()
	running bool
}

func (n *notifier) call(call func()) { n.add(call, false) }

// offer is the same of what there may be any number of: it is left out while too many wait.
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
