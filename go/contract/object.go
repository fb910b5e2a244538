package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// Optional is a property that may be missing and may also be null: generated code has a pointer for what may be only one of both.
type Optional[T any] struct {
	Value T
	// Present: it is there, if only as null.
	Present bool
}

// Some is one that is there.
func Some[T any](value T) Optional[T] { return Optional[T]{value, true} }

// IsZero is for encoding/json's `omitzero`.
func (o Optional[T]) IsZero() bool { return !o.Present }

// MarshalJSON is the value's.
func (o Optional[T]) MarshalJSON() ([]byte, error) { return json.Marshal(o.Value) }

// UnmarshalJSON reads the value, which is there then.
func (o *Optional[T]) UnmarshalJSON(data []byte) error {
	o.Present = true
	return Unmarshal(data, &o.Value)
}

// Unmarshal reads JSON as encoding/json does, and whole numbers however they are written: 1.0 and 1e3 too.
func Unmarshal(data []byte, target any) error {
	err := json.Unmarshal(data, target)
	var mistyped *json.UnmarshalTypeError
	if err == nil || !errors.As(err, &mistyped) || mistyped.Type.Kind().String() != "int64" {
		return err
	}
	value, parsing := parseValue(data)
	if parsing != nil {
		return parsing
	}
	plain, encoding := json.Marshal(withPlainIntegers(value))
	if encoding != nil {
		return encoding
	}
	return json.Unmarshal(plain, target)
}

func withPlainIntegers(value any) any {
	switch value := value.(type) {
	case []any:
		for index, each := range value {
			value[index] = withPlainIntegers(each)
		}
	case map[string]any:
		for key, each := range value {
			value[key] = withPlainIntegers(each)
		}
	case json.Number:
		// Of few digits, so that 1e1000000 does not become as many.
		if number, isNumber := numberOf(value); !isNumber || number >= 1e19 || number <= -1e19 {
			return value
		}
		if rational, ok := new(big.Rat).SetString(string(value)); ok && rational.IsInt() {
			return json.Number(rational.Num().String())
		}
	}
	return value
}

// UnmarshalObject reads an object's properties into what the fields point to. Unlike encoding/json it tells `path` from `Path`.
func UnmarshalObject(data []byte, fields map[string]any) error {
	var properties map[string]json.RawMessage
	if err := json.Unmarshal(data, &properties); err != nil {
		return err
	}
	for key, field := range fields {
		property, found := properties[key]
		if !found {
			continue
		}
		if err := Unmarshal(property, field); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// MarshalObject is an object with what `plain`, a struct, has, after constants: names and values by turns, as JSON.
func MarshalObject(plain any, constants ...string) ([]byte, error) {
	fields, err := json.Marshal(plain)
	if err != nil || len(constants) == 0 {
		return fields, err
	}
	var object bytes.Buffer
	for index := 0; index+1 < len(constants); index += 2 {
		separator := byte(',')
		if index == 0 {
			separator = '{'
		}
		object.WriteByte(separator)
		object.WriteString(constants[index] + ":" + constants[index+1])
	}
	if !bytes.Equal(fields, []byte("{}")) {
		object.WriteByte(',')
	}
	object.Write(fields[1:])
	return object.Bytes(), nil
}

// Tag is the text that an object has at that key, by which alternatives are told apart.
func Tag(data []byte, key string) (string, error) {
	var properties map[string]json.RawMessage
	if err := json.Unmarshal(data, &properties); err != nil {
		return "", err
	}
	var tag string
	if err := json.Unmarshal(properties[key], &tag); err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	return tag, nil
}
