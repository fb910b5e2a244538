package contract

import (
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"
)

var typeTests = map[string]func(any) bool{
	"null":    func(value any) bool { return value == nil },
	"boolean": func(value any) bool { _, is := value.(bool); return is },
	"string":  func(value any) bool { _, is := value.(string); return is },
	"array":   func(value any) bool { _, is := value.([]any); return is },
	"object":  func(value any) bool { _, is := value.(map[string]any); return is },
	"number":  func(value any) bool { _, is := numberOf(value); return is },
	"integer": func(value any) bool {
		number, is := numberOf(value)
		return is && number == math.Trunc(number)
	},
}

func typeChecks(schema keywords, at compiling) ([]check, error) {
	given, found := schema["type"]
	if !found {
		if schema["contentMediaType"] == "application/octet-stream" {
			return nil, at.refuse("bytes in other data, which JSON does not have")
		}
		return nil, nil
	}
	list, isList := given.([]any)
	if !isList {
		list = []any{given}
	}
	tests := make([]func(any) bool, len(list))
	names := make([]string, len(list))
	for index, each := range list {
		names[index], _ = each.(string)
		if tests[index] = typeTests[names[index]]; tests[index] == nil {
			return nil, at.within("type").refuse("no type %s", textOf(each))
		}
	}
	if len(tests) == 0 {
		return nil, at.within("type").refuse("no type at all")
	}
	message := "expected " + strings.Join(names, " or ")
	return []check{func(value any, f *finding) {
		for _, test := range tests {
			if test(value) {
				return
			}
		}
		f.add(message)
	}}, nil
}

func valueChecks(schema keywords, at compiling) (checks []check, err error) {
	if given, found := schema["enum"]; found {
		list, isList := given.([]any)
		if !isList {
			return nil, at.within("enum").refuse("no list")
		}
		checks = append(checks, oneOfValues(list))
	}
	if given, found := schema["const"]; found {
		checks = append(checks, oneOfValues([]any{given}))
	}
	return checks, nil
}

func oneOfValues(values []any) check {
	known := map[string]bool{}
	texts := make([]string, len(values))
	for index, each := range values {
		known[keyOf(each)] = true
		texts[index] = textOf(each)
	}
	message := "expected " + strings.Join(texts, " or ")
	return func(value any, f *finding) {
		if !known[keyOf(value)] {
			f.add(message)
		}
	}
}

// tolerance is how far a quotient may be from a whole number: decimals have no exact binary fractions.
const tolerance = 1e-9

var numberBounds = []struct {
	keyword, says string
	holds         func(value, bound float64) bool
}{
	{"minimum", "at least", func(value, bound float64) bool { return value >= bound }},
	{"maximum", "at most", func(value, bound float64) bool { return value <= bound }},
	{"exclusiveMinimum", "more than", func(value, bound float64) bool { return value > bound }},
	{"exclusiveMaximum", "less than", func(value, bound float64) bool { return value < bound }},
	{"multipleOf", "a multiple of", isMultiple},
}

func isMultiple(value, of float64) bool {
	quotient := value / of
	return math.Abs(quotient-math.Round(quotient)) <= tolerance*math.Max(1, math.Abs(quotient))
}

func numberChecks(schema keywords, at compiling) (checks []check, err error) {
	for _, each := range numberBounds {
		given, found := schema[each.keyword]
		if !found {
			continue
		}
		bound, isNumber := numberOf(given)
		if !isNumber || each.keyword == "multipleOf" && bound <= 0 {
			return nil, at.within(each.keyword).refuse("no number that it can be")
		}
		message := "expected " + each.says + " " + string(given.(json.Number))
		checks = append(checks, func(value any, f *finding) {
			if number, is := numberOf(value); is && !each.holds(number, bound) {
				f.add(message)
			}
		})
	}
	return checks, nil
}

func textChecks(schema keywords, at compiling) ([]check, error) {
	checks, err := bounded(schema, at, "minLength", "maxLength", "characters", func(value any) (int, bool) {
		text, is := value.(string)
		return utf8.RuneCountInString(text), is
	})
	given, found := schema["pattern"]
	if err != nil || !found {
		return checks, err
	}
	pattern, isText := given.(string)
	if !isText {
		return nil, at.within("pattern").refuse("no text")
	}
	expression, err := regexp.Compile(translated(pattern))
	if err != nil {
		return nil, at.within("pattern").refuse("Go has no such regular expression: %v", err)
	}
	message := "does not match " + pattern
	return append(checks, func(value any, f *finding) {
		if text, is := value.(string); is && !expression.MatchString(text) {
			f.add(message)
		}
	}), nil
}

var (
	unicodeEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)
	escapedSlash  = regexp.MustCompile(`\\([/\-])`)
)

// translated is a regular expression of ECMAScript's as Go writes it.
func translated(pattern string) string {
	pattern = unicodeEscape.ReplaceAllString(pattern, `\x{$1}`)
	return escapedSlash.ReplaceAllStringFunc(pattern, func(escaped string) string {
		if escaped == `\/` {
			return "/"
		}
		return escaped
	})
}
