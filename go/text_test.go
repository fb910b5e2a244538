package sealpipe_test

import (
	"context"
	"errors"
	"testing"

	"sealpipe"
	"sealpipe/internal/vectors"
)

type textVector struct {
	Name       string
	Bytes      vectors.Bytes
	CodePoints []rune
	Valid      bool
}

func TestTextIsReadAsInEveryOtherLanguage(t *testing.T) {
	server, client := pair(t, nil, nil)
	fails := func(data []byte) error { return sealpipe.Fail("NO", "%s", data) }
	server.Handle(1, func(_ context.Context, r *sealpipe.Request) ([]byte, error) { return nil, fails(r.Data) })
	server.HandleStream(1, func(_ context.Context, stream *sealpipe.Stream) error { return fails(stream.Data) })
	for _, v := range vectors.Load[textVector](t, "text.json") {
		want := string(v.CodePoints)
		if text := (sealpipe.Message{Data: v.Bytes}).Text(); text != want || v.Valid && text != string(v.Bytes) {
			t.Errorf("%s: a message is %q, not %q", v.Name, text, want)
		}
		if text := (sealpipe.Item{Data: v.Bytes}).Text(); text != want {
			t.Errorf("%s: an item is %q, not %q", v.Name, text, want)
		}
		_, failed := client.Request(soon(t), 1, v.Bytes)
		stream, err := client.OpenStream(soon(t), 1, v.Bytes)
		must(t, err)
		_, reset := stream.Read(soon(t))
		for what, err := range map[string]error{"a failure": failed, "a reset": reset} {
			var failure *sealpipe.Error
			if !errors.As(err, &failure) || !failure.Remote || failure.Message != want {
				t.Errorf("%s: %s is %q, not %q", v.Name, what, err, want)
			}
		}
	}
}
