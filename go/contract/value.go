package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth is how many lists and objects may stand in each other.
const maxDepth = 256

// parseValue reads one JSON text, with numbers as they are written. What it refuses is in spec/contracts.md, "Data".
func parseValue(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("it is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("it ends too early")
		}
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows it")
	}
	return value, refuseHostile(value, 1)
}

func refuseHostile(value any, depth int) error {
	var inner func(func(any) bool)
	switch value := value.(type) {
	case []any:
		inner = slices.Values(value)
	case map[string]any:
		if _, found := value["__proto__"]; found {
			return errors.New("a key is __proto__")
		}
		inner = func(yield func(any) bool) {
			for _, each := range value {
				if !yield(each) {
					return
				}
			}
		}
	default:
		return nil
	}
	if depth > maxDepth {
		return fmt.Errorf("more than %d values stand in each other", maxDepth)
	}
	for each := range inner {
		if err := refuseHostile(each, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// numberOf is the value of a JSON number, as every language has it; false if it is beyond that.
func numberOf(value any) (float64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	float, err := number.Float64()
	return float, err == nil && !math.IsInf(float, 0)
}

// keyOf is the same text for equal values, and another for others.
func keyOf(value any) string {
	switch value := value.(type) {
	case json.Number:
		number, _ := numberOf(value)
		return strconv.FormatFloat(number+0, 'g', -1, 64)
	case []any:
		keys := make([]string, len(value))
		for index, each := range value {
			keys[index] = keyOf(each)
		}
		return "[" + strings.Join(keys, ",") + "]"
	case map[string]any:
		entries := make([]string, 0, len(value))
		for _, key := range sortedKeys(value) {
			entries = append(entries, strconv.Quote(key)+":"+keyOf(value[key]))
		}
		return "{" + strings.Join(entries, ",") + "}"
	case string:
		return strconv.Quote(value)
	default:
		return fmt.Sprint(value)
	}
}

func sortedKeys[V any](object map[string]V) []string {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// textOf is the value as JSON, for people.
func textOf(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return strings.TrimSuffix(text.String(), "\n")
}
