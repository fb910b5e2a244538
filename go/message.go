package sealpipe

// Message is one application payload with its type, 1 to 4294967295. Data are the receiver's own.
type Message struct {
	Type uint32
	Data []byte
}

// Text is the data as text.
func (m Message) Text() string { return string(m.Data) }
