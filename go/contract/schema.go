package contract

import (
	"fmt"
	"slices"
	"strings"
)

// check looks at a value, and says what is wrong with it.
type check func(value any, f *finding)

// compiling is where a schema stands, and what it is part of.
type compiling struct {
	root  any
	place string
	// references are what `$ref`s lead to, made once each: a schema may stand in itself.
	references map[string]*check
}

type keywords = map[string]any

// checkedKeywords are those of which checks are made, and describing those that only describe.
var checkedKeywords = []string{
	"$ref", "$defs", "type", "enum", "const", "anyOf", "oneOf", "allOf", "contentMediaType",
	"properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties",
	"items", "prefixItems", "minItems", "maxItems", "uniqueItems",
	"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
}

var describing = []string{
	"$schema", "$id", "$comment", "$anchor", "id", "title", "description", "default", "examples", "deprecated",
	"readOnly", "writeOnly", "format", "contentEncoding", "definitions",
}

// compile makes a check of a JSON Schema, as parseValue reads it.
func compile(schema any) (check, error) {
	made, err := compileAt(schema, compiling{root: schema, references: map[string]*check{}})
	return made, err
}

func compileAt(schema any, at compiling) (check, error) {
	switch schema := schema.(type) {
	case bool:
		if schema {
			return func(any, *finding) {}, nil
		}
		return func(_ any, f *finding) { f.add("nothing is taken here") }, nil
	case keywords:
		return compileKeywords(schema, at)
	default:
		return nil, at.refuse("no object and no boolean")
	}
}

func compileKeywords(schema keywords, at compiling) (check, error) {
	for _, key := range sortedKeys(schema) {
		if !slices.Contains(checkedKeywords, key) && !slices.Contains(describing, key) && !strings.HasPrefix(key, "x-") {
			return nil, at.refuse("the keyword %q cannot be checked", key)
		}
	}
	var checks []check
	for _, part := range []func(keywords, compiling) ([]check, error){
		referenceChecks, typeChecks, valueChecks, numberChecks, textChecks, objectChecks, listChecks, alternativeChecks,
	} {
		made, err := part(schema, at)
		if err != nil {
			return nil, err
		}
		checks = append(checks, made...)
	}
	return all(checks), nil
}

func all(checks []check) check {
	return func(value any, f *finding) {
		for _, each := range checks {
			each(value, f)
		}
	}
}

func (at compiling) within(keys ...string) compiling {
	at.place += "/" + strings.Join(keys, "/")
	return at
}

func (at compiling) refuse(format string, args ...any) error {
	place := at.place
	if place == "" {
		place = "its root"
	}
	return fmt.Errorf("in a JSON Schema, at %s: %s", place, fmt.Sprintf(format, args...))
}

func referenceChecks(schema keywords, at compiling) ([]check, error) {
	given, found := schema["$ref"]
	if !found {
		return nil, nil
	}
	reference, isText := given.(string)
	if !isText {
		return nil, at.refuse("a $ref that is no text")
	}
	known := at.references[reference]
	if known == nil {
		known = new(check)
		at.references[reference] = known
		target, err := lookUp(at.root, reference)
		if err != nil {
			return nil, at.refuse("%v", err)
		}
		at.place = strings.TrimPrefix(reference, "#")
		if *known, err = compileAt(target, at); err != nil {
			return nil, err
		}
	}
	return []check{func(value any, f *finding) { (*known)(value, f) }}, nil
}

// lookUp finds `#`, `#/$defs/Name` and the like in the schema itself.
func lookUp(root any, reference string) (any, error) {
	if reference != "#" && !strings.HasPrefix(reference, "#/") {
		return nil, fmt.Errorf("%q is outside of the schema", reference)
	}
	current := root
	for _, part := range strings.Split(reference, "/")[1:] {
		key := strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		object, _ := current.(map[string]any)
		next, found := object[key]
		if !found {
			return nil, fmt.Errorf("%q leads to nothing", reference)
		}
		current = next
	}
	return current, nil
}

func alternativeChecks(schema keywords, at compiling) (checks []check, err error) {
	for _, keyword := range []string{"anyOf", "oneOf", "allOf"} {
		given, found := schema[keyword]
		if !found {
			continue
		}
		list, _ := given.([]any)
		if len(list) == 0 {
			return nil, at.refuse("%s is a list with something in it", keyword)
		}
		alternatives := make([]check, len(list))
		for index, each := range list {
			if alternatives[index], err = compileAt(each, at.within(keyword, fmt.Sprint(index))); err != nil {
				return nil, err
			}
		}
		if keyword == "allOf" {
			checks = append(checks, all(alternatives))
		} else {
			checks = append(checks, anyOf(alternatives, keyword == "oneOf"))
		}
	}
	return checks, nil
}

func anyOf(checks []check, exactly bool) check {
	return func(value any, f *finding) {
		fitting := 0
		for _, each := range checks {
			if f.fits(value, each) {
				fitting++
			}
			if fitting > 0 && !exactly {
				return
			}
		}
		switch {
		case fitting == 0:
			f.add("it fits none of the alternatives")
		case fitting > 1:
			f.add("it fits more than one of the alternatives")
		}
	}
}

// isBytes reports whether a schema is bytes as they are, whatever the codec.
func isBytes(schema any) bool {
	object, _ := schema.(keywords)
	return len(object) == 1 && object["contentMediaType"] == "application/octet-stream"
}

// sizeOf is a bound of a length or a count.
func sizeOf(schema keywords, keyword string, at compiling) (size int, found bool, err error) {
	given, found := schema[keyword]
	if !found {
		return 0, false, nil
	}
	number, isNumber := numberOf(given)
	if !isNumber || number < 0 || number != float64(int(number)) {
		return 0, false, at.within(keyword).refuse("no number that it can be")
	}
	return int(number), true, nil
}

// bounded checks the size of what has one.
func bounded(schema keywords, at compiling, min, max, unit string, of func(any) (int, bool)) (checks []check, err error) {
	for _, keyword := range []string{min, max} {
		bound, found, err := sizeOf(schema, keyword, at)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		isMin := keyword == min
		says := fmt.Sprintf("expected at most %d %s", bound, unit)
		if isMin {
			says = fmt.Sprintf("expected at least %d %s", bound, unit)
		}
		checks = append(checks, func(value any, f *finding) {
			if size, has := of(value); has && (isMin && size < bound || !isMin && size > bound) {
				f.add(says)
			}
		})
	}
	return checks, nil
}
