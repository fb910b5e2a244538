package peer

import (
	"encoding/json"
	"io"
	"time"
)

// event is one line of output.
type event struct {
	Event    string          `json:"event"`
	ID       json.RawMessage `json:"id,omitempty"`
	Status   string          `json:"status,omitempty"`
	Type     *int            `json:"type,omitempty"`
	Messages *int            `json:"messages,omitempty"`
	Bytes    *int            `json:"bytes,omitempty"`
	SHA256   string          `json:"sha256,omitempty"`
	Text     *string         `json:"text,omitempty"`
	Object   map[string]any  `json:"object,omitempty"`
	InOrder  *bool           `json:"inOrder,omitempty"`
	Error    string          `json:"error,omitempty"`
	From     string          `json:"from,omitempty"`
	Fatal    *bool           `json:"fatal,omitempty"`
	Round    *int            `json:"round,omitempty"`
	Done     *int            `json:"done,omitempty"`
	Rounds   *int            `json:"rounds,omitempty"`
}

// pointer lets a zero be told apart from nothing.
func pointer[T any](value T) *T { return &value }

// output writes one line per event. A reader of stdout who stops reading makes
// the lines wait in memory; whoever emits one never waits.
type output struct {
	lines   *queue[[]byte]
	drained chan struct{}
}

func newOutput(writer io.Writer) *output {
	o := &output{lines: newQueue[[]byte](), drained: make(chan struct{})}
	go func() {
		defer close(o.drained)
		for lines := o.lines.takeAll(); lines != nil; lines = o.lines.takeAll() {
			for _, line := range lines {
				if _, err := writer.Write(line); err != nil {
					return
				}
			}
		}
	}()
	return o
}

func (o *output) emit(e event) {
	line, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	o.lines.put(append(line, '\n'))
}

// finish gives what was emitted a bounded time to be written.
func (o *output) finish() {
	o.lines.close()
	select {
	case <-o.drained:
	case <-time.After(2 * time.Second):
	}
}
