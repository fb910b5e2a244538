// Package questions asks and answers over golang-ipc's messages, which have a type and bytes and nothing that says which
// question an answer belongs to. Its other half is sealpipe/questions in TypeScript. Copy it: it needs nothing but the standard
// library and golang-ipc.
package questions

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	ipc "github.com/james-barrow/golang-ipc"
)

// Pipe is a server or a client of golang-ipc.
type Pipe interface {
	Write(msgType int, message []byte) error
}

// Handler answers a question. What it returns goes as JSON; an *Error keeps its code.
type Handler func(ctx context.Context, body json.RawMessage) (any, error)

// Error is why a question has no answer.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// ErrLost is what questions fail with if the connection is lost before there is an answer.
var ErrLost = errors.New("questions: the connection was lost before there was an answer")

// Options are for New; all may be left out.
type Options struct {
	// QuestionType and AnswerType are the types of the messages, both ways: 1 and 2 if they are 0.
	QuestionType, AnswerType int
	// Timeout is how long a question waits whose context has no deadline: 30 seconds if it is 0.
	Timeout time.Duration
	// MaxConcurrent is how many questions of the other end are answered at a time, 256 if it is 0.
	MaxConcurrent int
	// Handler answers the other end's questions. Without it they fail with ERR_NO_HANDLER.
	Handler Handler
}

// Questions is one end of a conversation.
type Questions struct {
	pipe    Pipe
	options Options
	prefix  string
	free    chan struct{}

	mu      sync.Mutex
	lastID  int
	pending map[string]chan said
	context context.Context
	cancel  context.CancelFunc
}

// said is a question or an answer on the wire.
type said struct {
	ID    string          `json:"id"`
	Body  json.RawMessage `json:"body"`
	Error *Error          `json:"error,omitempty"`
	lost  bool
}

const maxIDLength = 128

// New asks and answers on that pipe. Its messages have to be given to Handle.
func New(pipe Pipe, options Options) *Questions {
	if options.QuestionType == 0 {
		options.QuestionType = 1
	}
	if options.AnswerType == 0 {
		options.AnswerType = 2
	}
	if options.Timeout == 0 {
		options.Timeout = 30 * time.Second
	}
	if options.MaxConcurrent == 0 {
		options.MaxConcurrent = 256
	}
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		panic(err)
	}
	q := &Questions{
		pipe: pipe, options: options, prefix: hex.EncodeToString(random) + "-",
		free: make(chan struct{}, options.MaxConcurrent), pending: map[string]chan said{},
	}
	q.context, q.cancel = context.WithCancel(context.Background())
	return q
}

// Handle is given every message that Read returns, and says whether it was a question, an answer or a change of the status. Of
// others it leaves everything to the caller.
func (q *Questions) Handle(message *ipc.Message) bool {
	switch message.MsgType {
	case -1:
		if message.Status != "Connected" {
			q.lose()
		}
	case q.options.AnswerType:
		q.answered(message.Data)
	case q.options.QuestionType:
		q.asked(message.Data)
	default:
		return false
	}
	return true
}

// Ask asks the other end and puts its answer into answer, a pointer, or nil if it is of no interest.
func (q *Questions) Ask(ctx context.Context, body, answer any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if _, has := ctx.Deadline(); !has {
		timed, cancel := context.WithTimeout(ctx, q.options.Timeout)
		defer cancel()
		ctx = timed
	}
	id, wait := q.expect()
	defer q.forget(id)
	question, err := json.Marshal(said{ID: id, Body: encoded})
	if err != nil {
		return err
	}
	if err := q.pipe.Write(q.options.QuestionType, question); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case got := <-wait:
		switch {
		case got.lost:
			return ErrLost
		case got.Error != nil:
			return got.Error
		case answer == nil:
			return nil
		}
		return json.Unmarshal(got.Body, answer)
	}
}

func (q *Questions) expect() (string, chan said) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lastID++
	// Of this process alone: a late answer to another's question may come here.
	id := q.prefix + strconv.Itoa(q.lastID)
	wait := make(chan said, 1)
	q.pending[id] = wait
	return id, wait
}

func (q *Questions) forget(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.pending, id)
}

// lose: the connection is gone, and with it whoever asked and whoever was to answer.
func (q *Questions) lose() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, wait := range q.pending {
		delete(q.pending, id)
		wait <- said{lost: true}
	}
	q.cancel()
	q.context, q.cancel = context.WithCancel(context.Background())
}

// answered: the other end may send anything, twice, or too late.
func (q *Questions) answered(data []byte) {
	var answer said
	if json.Unmarshal(data, &answer) != nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if wait, waits := q.pending[answer.ID]; waits {
		delete(q.pending, answer.ID)
		wait <- answer
	}
}

func (q *Questions) asked(data []byte) {
	var question said
	if json.Unmarshal(data, &question) != nil || question.ID == "" || len(question.ID) > maxIDLength {
		return
	}
	q.mu.Lock()
	ctx := q.context
	q.mu.Unlock()
	select {
	case q.free <- struct{}{}:
		go func() {
			defer func() { <-q.free }()
			q.answer(question.ID, q.call(ctx, question.Body))
		}()
	default:
		q.answer(question.ID, said{Error: &Error{"ERR_QUEUE_FULL", fmt.Sprintf("%d questions are being answered already", q.options.MaxConcurrent)}})
	}
}

func (q *Questions) call(ctx context.Context, body json.RawMessage) said {
	if q.options.Handler == nil {
		return said{Error: &Error{"ERR_NO_HANDLER", "this end answers no questions"}}
	}
	if body == nil {
		body = json.RawMessage("null")
	}
	answer, err := q.options.Handler(ctx, body)
	if err == nil {
		var encoded []byte
		if encoded, err = json.Marshal(answer); err == nil {
			return said{Body: encoded}
		}
	}
	var known *Error
	if errors.As(err, &known) {
		return said{Error: known}
	}
	return said{Error: &Error{"ERR_HANDLER_FAILED", err.Error()}}
}

func (q *Questions) answer(id string, answer said) {
	answer.ID = id
	encoded, err := json.Marshal(answer)
	if err == nil {
		err = q.pipe.Write(q.options.AnswerType, encoded)
	}
	if err == nil || answer.Error != nil {
		return
	}
	// Too large, say: whoever asked would wait for nothing.
	q.answer(id, said{Error: &Error{"ERR_HANDLER_FAILED", err.Error()}})
}
