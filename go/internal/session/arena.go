package session

const (
	arenaBytes = 16_384
	// maxArenaShare: longer data have memory of their own, so that what is kept of a little keeps little.
	maxArenaShare = 2_048
	// maxReturnedBytes bounds the memory that the application has returned and nothing uses.
	maxReturnedBytes = 2_097_152
)

// arena gives short data memory that they share with a few others, so that a message costs no allocation, and long data memory
// that the application has returned, if there is some: it never leaves its session.
type arena struct {
	rest          []byte
	returned      [][]byte
	returnedBytes int
}

// Memory is that of a long message, which the application may return once.
type Memory struct {
	arena *arena
	bytes []byte
}

// clone is never nil. memory is nil if the clone shares it with others.
func (a *arena) clone(data []byte) (own []byte, memory *Memory) {
	switch {
	case len(data) == 0:
		return []byte{}, nil
	case len(data) > maxArenaShare:
		own = append(a.take(len(data)), data...)
		return own, a.lend(own)
	case len(data) > len(a.rest):
		a.rest = make([]byte, arenaBytes)
	}
	own = a.rest[:len(data):len(data)]
	a.rest = a.rest[len(data):]
	copy(own, data)
	return own, nil
}

// take is empty memory in which that many bytes have room, or nil.
func (a *arena) take(count int) []byte {
	for index := len(a.returned) - 1; index >= 0; index-- {
		memory := a.returned[index]
		if cap(memory) < count || cap(memory) > 2*count {
			continue
		}
		last := len(a.returned) - 1
		a.returned[index], a.returned[last] = a.returned[last], nil
		a.returned = a.returned[:last]
		a.returnedBytes -= cap(memory)
		return memory[:0]
	}
	return nil
}

func (a *arena) lend(bytes []byte) *Memory { return &Memory{a, bytes} }

// Reclaim takes the memory back, unless that has happened: the application does not use it any more. Only the session that it was
// made for uses it again.
func (m *Memory) Reclaim() {
	a, bytes := m.arena, m.bytes
	m.bytes = nil
	if bytes != nil && a.returnedBytes+cap(bytes) <= maxReturnedBytes {
		a.returned = append(a.returned, bytes)
		a.returnedBytes += cap(bytes)
	}
}

// drop gives memory that nothing uses to the collector.
func (a *arena) drop() { a.returned, a.returnedBytes = nil, 0 }
