package contract

import (
	"encoding/json"
	"fmt"
	"reflect"

	"sealpipe"
)

// Nothing is the input or output of a member that has none.
type Nothing struct{}

// encode is what goes over the wire for a value: what the receiver's schema makes of it is the receiver's business.
func encode(of *part, value any) ([]byte, error) {
	if of == nil {
		return nil, nil
	}
	reflected := reflect.ValueOf(value)
	if of.optional && isNil(reflected) {
		return nil, nil
	}
	if data, isBytes := value.([]byte); isBytes && of.bytes {
		return data, nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil, &sealpipe.Error{Code: sealpipe.ErrInvalidArgument, Message: "it cannot be encoded as JSON", Cause: err}
	}
	// Go has nil for an empty list and an empty map, too.
	switch {
	case string(data) != "null" || !reflected.IsValid():
	case reflected.Kind() == reflect.Slice:
		return []byte("[]"), nil
	case reflected.Kind() == reflect.Map:
		return []byte("{}"), nil
	}
	return data, nil
}

func isNil(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return value.IsNil()
	default:
		return false
	}
}

// decode is what arrived, if it fits.
func decode[T any](of *part, data []byte) (value T, issues []Issue) {
	if of == nil {
		return value, nil
	}
	if of.optional && len(data) == 0 {
		return value, nil
	}
	if of.bytes {
		if target, isBytes := any(&value).(*[]byte); isBytes {
			*target = data
		}
		return value, nil
	}
	if issues = of.issues(data); len(issues) > 0 {
		return value, issues
	}
	if err := Unmarshal(data, &value); err != nil {
		return value, []Issue{{Message: fmt.Sprintf("it fits no type of Go: %v", err), Path: []any{}}}
	}
	return value, nil
}

// issues is what is wrong with data.
func (p *part) issues(data []byte) []Issue {
	if p == nil || p.bytes || p.optional && len(data) == 0 {
		return nil
	}
	value, err := parseValue(data)
	if err != nil {
		return []Issue{{Message: "no json: " + err.Error(), Path: []any{}}}
	}
	var f finding
	p.check(value, &f)
	return f.issues
}
