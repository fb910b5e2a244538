package sealpipe

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
)

// described is a description, member by member.
func described() map[string]any {
	return map[string]any{
		"library": "sealpipe/1", "application": "my-daemon", "applicationVersion": "2", "codec": "json", "pid": 7,
		"contracts": []any{map[string]any{"name": "notes", "version": "1", "hash": strings.Repeat("0a", 32)}},
		"requests":  []any{1, 4_294_967_295}, "streams": []any{}, "connections": 3, "uptimeMs": 1_500, "unknown": true,
	}
}

func TestADescriptionIsReadAsItWasSaid(t *testing.T) {
	text, _ := json.Marshal(described())
	d, err := decodeDescription(text)
	if err != nil {
		t.Fatal(err)
	}
	if d.Library != "sealpipe/1" || d.Application != "my-daemon" || d.ApplicationVersion != "2" || d.Codec != "json" || d.PID != 7 ||
		d.Connections != 3 || d.Uptime.Milliseconds() != 1_500 || !reflect.DeepEqual(d.Requests, []uint32{1, 4_294_967_295}) ||
		len(d.Streams) != 0 || len(d.Contracts) != 1 || d.Contracts[0].Name != "notes" || d.Contracts[0].Hash[31] != 10 {
		t.Errorf("%+v", d)
	}
	again, err := decodeDescription(d.encode())
	if err != nil || !reflect.DeepEqual(again, d) {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestADescriptionThatIsNoneIsInvalid(t *testing.T) {
	texts := []string{"", "{", "null", "[]", "7", "{}"}
	with := func(name string, value any) {
		other := described()
		if delete(other, name); value != nil {
			other[name] = value
		}
		text, _ := json.Marshal(other)
		texts = append(texts, string(text))
	}
	for name := range maps.Keys(described()) {
		if name != "unknown" {
			with(name, nil)
			with(name, false)
			with(name, json.RawMessage("null"))
			named := described()
			named[strings.ToUpper(name)] = named[name]
			delete(named, name)
			text, _ := json.Marshal(named)
			texts = append(texts, string(text))
		}
	}
	for _, number := range []any{-1, 1.5, "1", 9_007_199_254_740_993.0} {
		for _, name := range []string{"pid", "connections", "uptimeMs"} {
			with(name, number)
		}
		with("requests", []any{number})
	}
	with("requests", []any{json.RawMessage("null")})
	for _, contract := range []any{
		1, map[string]any{}, map[string]any{"name": "notes", "version": "1", "hash": strings.Repeat("0A", 32)},
		map[string]any{"name": "notes", "version": "1", "hash": "0a"}, map[string]any{"name": 1, "version": "1", "hash": strings.Repeat("0a", 32)},
	} {
		with("contracts", []any{contract})
	}
	for _, text := range texts {
		d, err := decodeDescription([]byte(text))
		if !errors.Is(err, ErrDescriptionInvalid) {
			t.Errorf("%s is %+v, %v", text, d, err)
		}
	}
}
