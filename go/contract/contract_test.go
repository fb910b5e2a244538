package contract

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"sealpipe"
)

const (
	text  = `{"type":"string"}`
	size  = `"size":{"kind":"method","number":1,"input":{"type":"string"},"output":{"type":"integer"},"errors":{"NOT_FOUND":{"type":"string"}}}`
	other = `"other":{"kind":"method","number":2,"errors":{"NOT_FOUND":{"type":"string"}}}`
	told  = `"told":{"kind":"event","number":3,"data":{"type":"integer"},"direction":"both"}`
	lines = `"lines":{"kind":"stream","number":4,"output":{"type":"string"},"items":{"type":"string"}}`
)

type notFound struct {
	member *Member
	path   string
}

func (e *notFound) Error() string { return "NOT_FOUND" }

func (e *notFound) Failure() (*Member, string, string, any) { return e.member, "NOT_FOUND", "", e.path }

func TestAMemberThatDiffersIsSaidAtConnect(t *testing.T) {
	_, name := serving(t, contractOf(t, "files", "2", size), nil)
	older := strings.Replace(size, text, `{"type":"integer"}`, 1)
	_, err := Dial(timed(t), name, contractOf(t, "files", "1", older), nil, nil)
	want := `contract "files" (version "1" here, "2" at the peer): size: input: it may be an integer`
	if !errors.Is(err, sealpipe.ErrContractMismatch) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v", err)
	}
	_, err = Dial(timed(t), name, contractOf(t, "folders", "1", size), nil, nil)
	if !errors.Is(err, sealpipe.ErrContractMismatch) || !strings.Contains(err.Error(), `the peer speaks of "files", not of "folders"`) {
		t.Errorf("%v", err)
	}
}

func TestAMemberThatThePeerLacksIsNoMismatch(t *testing.T) {
	_, name := serving(t, contractOf(t, "files", "1", size), nil)
	newer := contractOf(t, "files", "2", size+","+other)
	caller := calling(t, name, newer, nil)
	if !caller.Has("size") || caller.Has("other") || caller.Has("nothing") {
		t.Errorf("size %v, other %v", caller.Has("size"), caller.Has("other"))
	}
	_, err := Call[Nothing](timed(t), caller, newer.Member("other"), Nothing{})
	if !errors.Is(err, sealpipe.ErrNoHandler) {
		t.Errorf("%v", err)
	}
}

func TestAPeerThatTellsOfNoContractIsTakenAsItIsAndAnotherCodecIsNot(t *testing.T) {
	for codec, mismatches := range map[string]bool{"": false, "json": false, "cbor": true} {
		name := freshName()
		listener, err := sealpipe.Listen(name, &sealpipe.Options{Codec: codec})
		if err != nil {
			t.Fatal(err)
		}
		caller, err := Dial(timed(t), name, contractOf(t, "files", "1", size), nil, nil)
		if errors.Is(err, sealpipe.ErrContractMismatch) != mismatches || !mismatches && (err != nil || !caller.Has("size")) {
			t.Errorf("%q: %v", codec, err)
		}
		if caller != nil {
			_ = caller.Conn().Close()
		}
		_ = listener.Close()
	}
}

func TestAServerThatComesBackWithAnotherContractEndsTheConnection(t *testing.T) {
	first, name := serving(t, contractOf(t, "files", "1", size), nil)
	caller := calling(t, name, contractOf(t, "files", "1", size), newReports().report)
	_ = first.Close()
	second, err := Serve(name, contractOf(t, "files", "2", strings.Replace(size, `"number":1`, `"number":9`, 1)), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	select {
	case <-caller.Conn().Done():
	case <-timed(t).Done():
		t.Fatal("it goes on")
	}
	if err := caller.Conn().Err(); !errors.Is(err, sealpipe.ErrContractMismatch) || !strings.Contains(err.Error(), "its numbers are 1 and 9") {
		t.Errorf("%v", err)
	}
}

func TestTwoContractsDoNotShareANumber(t *testing.T) {
	i, _ := serving(t, contractOf(t, "files", "1", size), nil)
	_, err := Implement(i.Endpoint(), contractOf(t, "folders", "1", size), nil)
	want := `"size" of contract "folders" and "size" of contract "files" are both method 1 that this end handles here`
	if !errors.Is(err, sealpipe.ErrInvalidArgument) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v", err)
	}
	if _, err = Implement(i.Endpoint(), contractOf(t, "files", "1", other), nil); !errors.Is(err, sealpipe.ErrInvalidArgument) {
		t.Errorf("the same name: %v", err)
	}
}

func TestInputsAndOutputsAreCheckedAndErrorsKeepTheirMeaning(t *testing.T) {
	c := contractOf(t, "files", "1", size+","+other)
	mine, others := c.Member("size"), c.Member("other")
	mine.Declare("NOT_FOUND", WithData(func(_, path string) error { return &notFound{mine, path} }))
	told := newReports()
	i, name := serving(t, c, told.report)
	ran := 0
	HandleMethod(i, mine, func(_ context.Context, _ *sealpipe.Conn, path string) (any, error) {
		ran++
		switch path {
		case "missing":
			return nil, &notFound{mine, path}
		case "another's":
			return nil, &notFound{others, path}
		case "invalid":
			return nil, &InvalidError{Code: sealpipe.ErrInvalidInput}
		case "wrong":
			return "text", nil
		}
		return 5, nil
	})
	caller, ctx := calling(t, name, c, nil), timed(t)
	call := func(input any) error {
		_, err := Call[int64](ctx, caller, mine, input)
		return err
	}
	if err := call("right"); err != nil {
		t.Error(err)
	}
	var missing *notFound
	if err := call("missing"); !errors.As(err, &missing) || missing.path != "missing" {
		t.Errorf("%v", err)
	}
	for _, path := range []string{"another's", "invalid"} {
		if err := call(path); !errors.Is(err, sealpipe.ErrHandlerFailed) || errors.As(err, &missing) && missing.path == path {
			t.Errorf("%s: %v", path, err)
		}
	}
	var invalid *InvalidError
	if err := call("wrong"); !errors.As(err, &invalid) || !errors.Is(err, sealpipe.ErrInvalidOutput) || len(invalid.Issues) > 0 {
		t.Errorf("%v", err)
	}
	if list := told.list(); len(list) != 1 || !strings.Contains(list[0].Error(), `what the handler of "size" returned does not fit: expected integer`) {
		t.Errorf("%v", list)
	}
	ran = 0
	if err := call(5); !errors.As(err, &invalid) || !errors.Is(err, sealpipe.ErrInvalidInput) || invalid.Issues[0].Message != "expected string" {
		t.Errorf("%v", err)
	}
	for _, hostile := range []string{"", "{", "\"\xff\"", strings.Repeat("[", 300) + strings.Repeat("]", 300)} {
		if _, err := caller.Conn().Request(ctx, 1, []byte(hostile)); !errors.Is(err, sealpipe.ErrInvalidInput) {
			t.Errorf("%q: %v", hostile[:min(9, len(hostile))], err)
		}
	}
	if ran > 0 {
		t.Error("the handler ran")
	}
}

func TestEventsWaitForAListenerAndThoseThatDoNotFitAreToldOfOnce(t *testing.T) {
	c := contractOf(t, "files", "1", told)
	event := c.Member("told")
	reports := newReports()
	i, name := serving(t, c, reports.report)
	caller, ctx := calling(t, name, c, nil), timed(t)
	for _, data := range []any{1, "text", 2, "text", 1.5} {
		if err := Emit(ctx, caller.Conn(), event, data); err != nil {
			t.Fatal(err)
		}
	}
	heard := make(chan int64, 10)
	remove := OnFrom(i, event, func(_ *sealpipe.Conn, data int64) { heard <- data })
	if first, second := <-heard, <-heard; first != 1 || second != 2 {
		t.Errorf("%d, %d", first, second)
	}
	<-reports.got
	remove()
	again := make(chan int64, 10)
	OnFrom(i, event, func(_ *sealpipe.Conn, data int64) { again <- data })
	if err := Emit(ctx, caller.Conn(), event, 3); err != nil {
		t.Fatal(err)
	}
	if third := <-again; third != 3 || len(heard) > 0 {
		t.Errorf("%d, and %d for the listener that was removed", third, len(heard))
	}
	if list := reports.list(); len(list) != 1 || !strings.Contains(list[0].Error(), `an event "told" was dropped: expected integer`) {
		t.Errorf("%v", list)
	}
}

func TestAnItemThatDoesNotFitResetsTheStream(t *testing.T) {
	c := contractOf(t, "files", "1", lines)
	stream := c.Member("lines")
	told := newReports()
	i, name := serving(t, c, told.report)
	failed := make(chan error, 2)
	HandleBoth(i, stream, func(ctx context.Context, _ *sealpipe.Conn, _ Nothing, both *Stream[string, any]) error {
		first, err := both.Read(ctx)
		if err == nil && first == "wrong" {
			err = both.Write(ctx, 5)
		}
		failed <- err
		return err
	})
	caller, ctx := calling(t, name, c, nil), timed(t)
	for item, code := range map[any]sealpipe.Code{5: sealpipe.ErrInvalidInput, "wrong": sealpipe.ErrInvalidOutput} {
		opened, err := OpenBoth[string, any](ctx, caller, stream, Nothing{})
		if err != nil {
			t.Fatal(err)
		}
		if err := opened.Write(ctx, item); err != nil {
			t.Fatal(err)
		}
		var invalid *InvalidError
		if _, err = opened.Read(ctx); !errors.As(err, &invalid) || !errors.Is(err, code) {
			t.Errorf("%v: %v", item, err)
		}
		if err := <-failed; !errors.Is(err, code) {
			t.Errorf("the handler: %v", err)
		}
	}
	if list := told.list(); len(list) != 1 || !errors.Is(list[0], sealpipe.ErrInvalidOutput) {
		t.Errorf("%v", list)
	}
}

func TestACallerThatLeavesASourceEndsItsHandler(t *testing.T) {
	c := contractOf(t, "files", "1", strings.Replace(lines, `,"items":{"type":"string"}`, "", 1))
	stream := c.Member("lines")
	i, name := serving(t, c, nil)
	ended := make(chan error, 1)
	HandleSource(i, stream, func(ctx context.Context, _ *sealpipe.Conn, _ Nothing, items *Sink[string]) error {
		for {
			if err := items.Write(ctx, "line"); err != nil {
				ended <- err
				return err
			}
		}
	})
	source, err := Open[string](timed(t), calling(t, name, c, nil), stream, Nothing{})
	if err != nil {
		t.Fatal(err)
	}
	for range source.Items(timed(t)) {
		break
	}
	if err := <-ended; !errors.Is(err, sealpipe.ErrStreamStopped) {
		t.Errorf("%v", err)
	}
	if _, err = source.Read(timed(t)); err == io.EOF || err == nil {
		t.Errorf("%v", err)
	}
}
