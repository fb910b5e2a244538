// A server or a client of the contract, on generated code. See the README beside it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"sealpipe"
	"sealpipe/contract"

	"sealpipe.test/contracts/everything"
)

var writing sync.Mutex

func write(line any) {
	writing.Lock()
	defer writing.Unlock()
	text, err := json.Marshal(line)
	check(err)
	fmt.Println(string(text))
}

func step(name string, result any) { write(map[string]any{"step": name, "result": result}) }

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func pointer[T any](value T) *T { return &value }

func circle(radius float64) everything.Shape {
	return everything.Shape{Value: everything.ShapeCircle{Radius: radius}}
}

func square(side int64) everything.Shape {
	return everything.Shape{Value: everything.ShapeSquare{Side: side}}
}

func rotated(shape everything.Shape) *everything.Shape {
	switch shape := shape.Value.(type) {
	case everything.ShapeCircle:
		label := "was a circle"
		return &everything.Shape{Value: everything.ShapeSquare{Side: int64(math.Round(shape.Radius)), Label: &label}}
	case everything.ShapeSquare:
		if shape.Side == 0 {
			return nil
		}
		return pointer(circle(float64(shape.Side)))
	}
	return nil
}

// handlers are those of the server.
type handlers struct {
	mu    sync.Mutex
	saved map[string]int64
}

func (h *handlers) Echo(_ context.Context, _ *everything.Caller, doc everything.Doc) (everything.Doc, error) {
	switch doc.Path {
	case "missing":
		return doc, &everything.EchoNotFoundError{Data: everything.EchoNotFound{Path: doc.Path, Tries: 3}}
	case "busy":
		return doc, &everything.EchoBusyError{}
	}
	return doc, nil
}

func (h *handlers) Rotate(_ context.Context, _ *everything.Caller, shape everything.Shape) (*everything.Shape, error) {
	return rotated(shape), nil
}

func (h *handlers) Invert(_ context.Context, _ *everything.Caller, data []byte) ([]byte, error) {
	for index := range data {
		data[index] = ^data[index]
	}
	return data, nil
}

func (h *handlers) Count(_ context.Context, _ *everything.Caller, texts []string) (int64, error) {
	if len(texts) == 1 {
		if path, isPath := strings.CutPrefix(texts[0], "saved:"); isPath {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.saved[path], nil
		}
	}
	return int64(len(texts)), nil
}

func (h *handlers) Reset(context.Context, *everything.Caller) error { return nil }

func (h *handlers) Wrong(context.Context, *everything.Caller, string) (int64, error) { return 10, nil }

func (h *handlers) List(ctx context.Context, _ *everything.Caller, input everything.ListInput, items *contract.Sink[int64]) error {
	if input.UpTo < 0 {
		return &everything.ListNotFoundError{}
	}
	if input.UpTo == 78 {
		// No number of the contract's.
		return items.Write(ctx, math.MaxInt64)
	}
	for number := range input.UpTo {
		if err := items.Write(ctx, number); err != nil {
			return err
		}
	}
	return nil
}

func (h *handlers) Save(ctx context.Context, _ *everything.Caller, input everything.SaveInput, items *contract.Source[string]) error {
	lines := int64(0)
	for _, err := range items.Items(ctx) {
		if err != nil {
			return err
		}
		lines++
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.saved[input.Path] = lines
	return nil
}

func (h *handlers) Chat(ctx context.Context, _ *everything.Caller, stream *contract.Stream[everything.Shape, everything.Shape]) error {
	for shape, err := range stream.Items(ctx) {
		if err != nil {
			return err
		}
		if err := stream.Write(ctx, *rotated(shape)); err != nil {
			return err
		}
	}
	return nil
}

func runServer(ctx context.Context, name string) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	server, err := everything.Serve(name, &handlers{saved: map[string]int64{}}, nil)
	check(err)
	server.OnAsked(func(caller *everything.Caller, text string) {
		note := text
		check(caller.EmitTold(ctx, everything.ToldData{Done: int64(len(text)), Total: 100, Note: &note}))
		check(caller.EmitSaid(ctx, []int64{1, 2, 3}))
		check(caller.EmitTick(ctx))
	})
	server.OnSaid(func(caller *everything.Caller, numbers []int64) {
		slices.Reverse(numbers)
		check(caller.EmitSaid(ctx, numbers))
	})
	write(map[string]any{"listens": true})
	_, _ = io.Copy(io.Discard, os.Stdin)
	check(server.Close())
}

func document() everything.Doc {
	return everything.Doc{
		Path: "a/b é 😀", Author: everything.DocAuthor{Name: "Ada", Mail: contract.Some[*string](nil)},
		Mode: everything.DocModeReadWrite, Size: 9007199254740991, Ratio: 0.1, IsOpen: true,
		Counts:    map[string]int64{"one": 1, "": -2},
		Shapes:    []everything.Shape{circle(1.5), {Value: everything.ShapeSquare{Side: 3, Label: pointer("s")}}},
		Favourite: pointer(square(4)), Lines: [][]int64{{1, 2}, {}},
		Previous: &everything.Doc{
			Path: "older", Author: everything.DocAuthor{Name: "Bob"}, Mode: everything.DocMode1st, Ratio: -1,
			Tags: []string{"x"}, Note: pointer("n"), Anything: 0,
		},
		ContentType: pointer("text/plain"), Class: pointer("c"), Anything: map[string]any{"deep": []any{1, nil, "x"}},
	}
}

func failure(err error) any {
	var notFound *everything.EchoNotFoundError
	var busy *everything.EchoBusyError
	var listNotFound *everything.ListNotFoundError
	var invalid *contract.InvalidError
	switch {
	case errors.As(err, &notFound):
		return map[string]any{"code": "NOT_FOUND", "data": notFound.Data}
	case errors.As(err, &busy):
		return map[string]any{"code": "BUSY"}
	case errors.As(err, &listNotFound):
		return map[string]any{"code": "NOT_FOUND"}
	case errors.As(err, &invalid) && errors.Is(err, sealpipe.ErrInvalidInput):
		paths := [][]any{}
		for _, issue := range invalid.Issues {
			paths = append(paths, issue.Path)
		}
		return map[string]any{"code": invalid.Code, "paths": paths}
	case errors.As(err, &invalid):
		return map[string]any{"code": invalid.Code}
	}
	return map[string]any{"stranger": fmt.Sprint(err)}
}

func callMethods(ctx context.Context, app *everything.Client) {
	doc := document()
	echoed, err := app.Echo(ctx, doc)
	check(err)
	step("echo", echoed)
	for _, path := range []string{"missing", "busy"} {
		doc.Path = path
		_, err = app.Echo(ctx, doc)
		step(path, failure(err))
	}
	doc.Path, doc.Size = "a", -1
	_, err = app.Echo(ctx, doc)
	step("invalid", failure(err))
	shape, err := app.Rotate(ctx, circle(2.4))
	check(err)
	step("circle", shape)
	shape, err = app.Rotate(ctx, square(0))
	check(err)
	step("nothing", shape)
	data, err := app.Invert(ctx, []byte{0, 1, 255})
	check(err)
	step("bytes", []int{int(data[0]), int(data[1]), int(data[2])})
	counts := []int64{}
	for _, texts := range [][]string{nil, {}, {"a", "b"}} {
		count, err := app.Count(ctx, texts)
		check(err)
		counts = append(counts, count)
	}
	step("count", counts)
	check(app.Reset(ctx))
	_, err = app.Wrong(ctx, "x")
	step("wrong", failure(err))
	step("has", []bool{app.Has("echo"), app.Has("list")})
}

func exchangeEvents(ctx context.Context, app *everything.Client) {
	heard := make(chan []any, 10)
	app.OnTold(func(data everything.ToldData) { heard <- []any{"told", data} })
	app.OnSaid(func(data []int64) { heard <- []any{"said", data} })
	app.OnTick(func() { heard <- []any{"tick"} })
	check(app.EmitAsked(ctx, "how far?"))
	check(app.EmitSaid(ctx, []int64{7, 8}))
	step("events", [][]any{<-heard, <-heard, <-heard, <-heard})
}

func openStreams(ctx context.Context, app *everything.Client) {
	numbers := []int64{}
	list, err := app.List(ctx, everything.ListInput{UpTo: 5})
	check(err)
	for number, err := range list.Items(ctx) {
		check(err)
		numbers = append(numbers, number)
	}
	step("list", numbers)
	for name, upTo := range map[string]int64{"list missing": -1, "list wrong": 78} {
		list, err = app.List(ctx, everything.ListInput{UpTo: upTo})
		check(err)
		_, err = list.Read(ctx)
		step(name, failure(err))
	}
	list, err = app.List(ctx, everything.ListInput{UpTo: 1_000_000})
	check(err)
	last := int64(-1)
	for number, err := range list.Items(ctx) {
		check(err)
		if last = number; number == 3 {
			break
		}
	}
	step("list left", last)
	save, err := app.Save(ctx, everything.SaveInput{Path: "a.txt"})
	check(err)
	for _, line := range []string{"one", "", "three"} {
		check(save.Write(ctx, line))
	}
	check(save.CloseWrite())
	check(save.Finished(ctx))
	count, err := app.Count(ctx, []string{"saved:a.txt"})
	check(err)
	step("saved", count)
	chat, err := app.Chat(ctx)
	check(err)
	answers := []everything.Shape{}
	for _, shape := range []everything.Shape{circle(9), square(5)} {
		check(chat.Write(ctx, shape))
		answer, err := chat.Read(ctx)
		check(err)
		answers = append(answers, answer)
	}
	check(chat.CloseWrite())
	if _, err = chat.Read(ctx); err != io.EOF {
		check(fmt.Errorf("no end: %w", err))
	}
	step("chat", answers)
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	if os.Args[1] == "server" {
		runServer(ctx, os.Args[2])
		return
	}
	app, err := everything.Dial(ctx, os.Args[2], nil)
	check(err)
	callMethods(ctx, app)
	exchangeEvents(ctx, app)
	openStreams(ctx, app)
	check(app.Close())
}
