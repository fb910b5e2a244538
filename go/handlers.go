package sealpipe

import (
	"slices"
	"sync"
)

// handlers are those of a connection or listener, each for a type of requests or streams.
type handlers[H any] struct {
	mu     sync.RWMutex
	byType map[uint32]H
}

// set removes the handler of that type if there is none.
func (h *handlers[H]) set(itsType uint32, handler H, isThere bool) {
	if itsType == 0 {
		panic("sealpipe: type 0 is reserved; use 1 to 4294967295")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byType == nil {
		h.byType = map[uint32]H{}
	}
	if isThere {
		h.byType[itsType] = handler
	} else {
		delete(h.byType, itsType)
	}
}

// types are those that have a handler, in order.
func (h *handlers[H]) types() []uint32 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	types := make([]uint32, 0, len(h.byType))
	for itsType := range h.byType {
		types = append(types, itsType)
	}
	slices.Sort(types)
	return types
}

func (h *handlers[H]) find(itsType uint32) H {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.byType[itsType]
}
