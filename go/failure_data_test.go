package sealpipe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sealpipe"
)

func TestAFailureTakesDataOfTheApplicationBothWays(t *testing.T) {
	server, client := pair(t, nil, nil)
	failing := func(_ context.Context, r *sealpipe.Request) ([]byte, error) {
		data := map[string][]byte{"none": nil, "empty": {}, "most": content(65_536, 3), "too much": make([]byte, 65_537)}[string(r.Data)]
		// Its message is cut so that all fits into a frame.
		return nil, fmt.Errorf("wrapped: %w", &sealpipe.Error{Code: "NOT_FOUND", Message: strings.Repeat("x", 200_000), Data: data})
	}
	for _, ends := range [][2]*sealpipe.Conn{{client, server}, {server, client}} {
		asker, answerer := ends[0], ends[1]
		answerer.Handle(1, failing)
		for question, want := range map[string][]byte{"none": nil, "empty": {}, "most": content(65_536, 3)} {
			_, err := asker.Request(soon(t), 1, []byte(question))
			var failure *sealpipe.Error
			if !errors.As(err, &failure) || failure.Code != "NOT_FOUND" || !failure.Remote {
				t.Fatalf("%s: %v", question, err)
			}
			if !bytes.Equal(failure.Data, want) || (failure.Data == nil) != (want == nil) {
				t.Errorf("%s: %d bytes of data, nil: %v", question, len(failure.Data), failure.Data == nil)
			}
		}
		if _, err := asker.Request(soon(t), 1, []byte("too much")); !errors.Is(err, sealpipe.ErrHandlerFailed) || !strings.Contains(err.Error(), "65537") {
			t.Errorf("too much: %v", err)
		}
	}
}
