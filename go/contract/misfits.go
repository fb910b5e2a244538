package contract

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// side is one of two JSON Schemas, and what its `$ref`s are looked up in.
type side struct{ schema, root any }

func (s side) inner(schema any) side { return side{schema, s.root} }

const (
	// maxComparedDepth is deeper than schemas of data are: a description may come from a peer.
	maxComparedDepth = 64
	maxComparisons   = 20_000
)

type place struct {
	path  string
	depth int
	// left is one for the whole comparison: alternatives within alternatives are many.
	left *int
	// within are the pairs of schemas that this stands in: what such a pair has within itself is told already.
	within []pair
}

// pair is two schemas, by where their maps are.
type pair struct{ sent, taken uintptr }

func (p place) deeper(path string) place { return place{p.path + path, p.depth + 1, p.left, p.within} }

func (p place) name() string {
	if p.path == "" {
		return "it"
	}
	return strings.TrimPrefix(p.path, ".")
}

// misfits is what somebody who sends values of `sent` may send that somebody who takes `taken` refuses: in words, by place. Empty
// if there is nothing of which this is sure. Source: spec/contracts.md, "Changes".
func misfits(sent, taken any) []string {
	left := maxComparisons
	reasons := compare(side{sent, sent}, side{taken, taken}, place{left: &left})
	var unique []string
	for _, reason := range reasons {
		if !slices.Contains(unique, reason) {
			unique = append(unique, reason)
		}
	}
	return unique
}

func compare(sentSide, takenSide side, at place) []string {
	sent, sentKnown := followed(sentSide)
	taken, takenKnown := followed(takenSide)
	sentWords, sentIsObject := sent.(keywords)
	takenWords, takenIsObject := taken.(keywords)
	if sentIsObject && takenIsObject {
		both := pair{reflect.ValueOf(sentWords).Pointer(), reflect.ValueOf(takenWords).Pointer()}
		if slices.Contains(at.within, both) {
			return nil
		}
		at.within = append(slices.Clip(at.within), both)
		sentWords, takenWords = withAllOf(sentWords), withAllOf(takenWords)
	}
	*at.left--
	if at.depth > maxComparedDepth || *at.left < 0 || !sentKnown || !takenKnown {
		return nil
	}
	if taken == false {
		if sent == false {
			return nil
		}
		return []string{at.name() + " is refused"}
	}
	if !sentIsObject || !takenIsObject {
		return nil
	}
	if alternatives := alternativesOf(sentWords); alternatives != nil {
		var reasons []string
		for _, each := range alternatives {
			reasons = append(reasons, compare(sentSide.inner(each), takenSide, at.deeper(""))...)
		}
		return reasons
	}
	if offered := alternativesOf(takenWords); offered != nil {
		return compareToAny(sentSide, takenSide, offered, at)
	}
	return compareKeywords(sentSide.inner(sentWords), takenSide.inner(takenWords), at)
}

func compareToAny(sentSide, takenSide side, offered []any, at place) []string {
	var only []string
	for _, each := range offered {
		if only = compare(sentSide, takenSide.inner(each), at.deeper("")); len(only) == 0 {
			return nil
		}
	}
	if len(offered) == 1 {
		return only
	}
	return []string{at.name() + " fits none of the alternatives"}
}

func compareKeywords(sentSide, takenSide side, at place) (reasons []string) {
	sent, taken := sentSide.schema.(keywords), takenSide.schema.(keywords)
	values, isListed := listedIn(taken)
	sentValues, sentIsListed := listedIn(sent)
	if isListed {
		if !sentIsListed {
			if given, found := sent["type"]; found {
				return []string{at.name() + " may be any " + typeText(given)}
			}
			return nil
		}
		known := map[string]bool{}
		for _, each := range values {
			known[keyOf(each)] = true
		}
		for _, each := range sentValues {
			if !known[keyOf(each)] {
				reasons = append(reasons, at.name()+" may be "+textOf(each))
			}
		}
		return reasons
	}
	types := typesOf(taken)
	for _, each := range typesOf(sent) {
		if len(types) > 0 && !slices.Contains(types, each) && !(each == "integer" && slices.Contains(types, "number")) {
			reasons = append(reasons, at.name()+" may be "+article(each))
		}
	}
	if len(reasons) > 0 {
		return reasons
	}
	reasons = compareBounds(sent, taken, at)
	reasons = append(reasons, compareObjects(sentSide, takenSide, at)...)
	return append(reasons, compareLists(sentSide, takenSide, at)...)
}

var (
	lowerBounds = []string{"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
	upperBounds = []string{"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
	sameWords   = []string{"pattern", "format", "multipleOf", "uniqueItems", "contentEncoding", "contentMediaType"}
)

func compareBounds(sent, taken keywords, at place) (reasons []string) {
	if _, isListed := listedIn(sent); isListed {
		return nil
	}
	told := func(keyword string) {
		reasons = append(reasons, fmt.Sprintf("%s is not held to %s %s", at.name(), keyword, textOf(taken[keyword])))
	}
	for index, bounds := range [][]string{lowerBounds, upperBounds} {
		for _, keyword := range bounds {
			theirs, isNumber := numberOf(taken[keyword])
			if !isNumber {
				continue
			}
			mine, hasOwn := numberOf(sent[keyword])
			if !hasOwn || index == 0 && mine < theirs || index == 1 && mine > theirs {
				told(keyword)
			}
		}
	}
	for _, keyword := range sameWords {
		theirs, found := taken[keyword]
		if mine, hasOwn := sent[keyword]; found && (!hasOwn || keyOf(mine) != keyOf(theirs)) {
			told(keyword)
		}
	}
	return reasons
}

func compareObjects(sentSide, takenSide side, at place) (reasons []string) {
	sent, taken := sentSide.schema.(keywords), takenSide.schema.(keywords)
	if !slices.Contains(typesOf(sent), "object") {
		return nil
	}
	sentProperties, _ := sent["properties"].(keywords)
	takenProperties, _ := taken["properties"].(keywords)
	always, _ := sent["required"].([]any)
	required, _ := taken["required"].([]any)
	for _, key := range required {
		if !slices.Contains(always, key) {
			reasons = append(reasons, at.deeper("."+fmt.Sprint(key)).name()+" may be missing")
		}
	}
	_, hasPatterns := taken["patternProperties"]
	closed := taken["additionalProperties"] == false && !hasPatterns
	for _, key := range sortedKeys(sentProperties) {
		inner := at.deeper("." + key)
		theirs, found := takenProperties[key]
		switch {
		case found:
			reasons = append(reasons, compare(sentSide.inner(sentProperties[key]), takenSide.inner(theirs), inner)...)
		case closed:
			reasons = append(reasons, inner.name()+" is not expected")
		}
	}
	return append(reasons, compareInner(sentSide, takenSide, "additionalProperties", at.deeper(".*"))...)
}

func compareLists(sentSide, takenSide side, at place) (reasons []string) {
	first, _ := sentSide.schema.(keywords)["prefixItems"].([]any)
	takenFirst, _ := takenSide.schema.(keywords)["prefixItems"].([]any)
	for index := range min(len(first), len(takenFirst)) {
		inner := at.deeper(fmt.Sprintf("[%d]", index))
		reasons = append(reasons, compare(sentSide.inner(first[index]), takenSide.inner(takenFirst[index]), inner)...)
	}
	return append(reasons, compareInner(sentSide, takenSide, "items", at.deeper("[]"))...)
}

// compareInner compares what holds for all others in it, if both say something of them.
func compareInner(sentSide, takenSide side, keyword string, at place) []string {
	sent, hasSent := sentSide.schema.(keywords)[keyword]
	taken, hasTaken := takenSide.schema.(keywords)[keyword]
	if !hasSent || !hasTaken || sent == false || taken == false {
		return nil
	}
	return compare(sentSide.inner(sent), takenSide.inner(taken), at)
}

// followed is a schema without its `$ref`s; false if that cannot be told.
func followed(of side) (any, bool) {
	current := of.schema
	for range maxComparedDepth {
		object, isObject := current.(keywords)
		if !isObject {
			_, isBool := current.(bool)
			return current, isBool
		}
		given, found := object["$ref"]
		if !found {
			return object, true
		}
		reference, isText := given.(string)
		if !isText {
			return nil, false
		}
		next, err := lookUp(of.root, reference)
		if err != nil {
			return nil, false
		}
		current = next
	}
	return nil, false
}

func withAllOf(schema keywords) keywords {
	parts, _ := schema["allOf"].([]any)
	if len(parts) == 0 {
		return schema
	}
	properties, required, merged := keywords{}, []any{}, keywords{}
	add := func(part keywords) {
		inner, _ := part["properties"].(keywords)
		for key, value := range inner {
			properties[key] = value
		}
		keys, _ := part["required"].([]any)
		required = append(required, keys...)
	}
	add(schema)
	for _, each := range parts {
		part, _ := each.(keywords)
		add(part)
		for key, value := range part {
			merged[key] = value
		}
	}
	for key, value := range schema {
		merged[key] = value
	}
	merged["properties"], merged["required"] = properties, required
	return merged
}

func alternativesOf(schema keywords) []any {
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if given, found := schema[keyword]; found && given != nil {
			list, _ := given.([]any)
			if len(list) == 0 {
				return nil
			}
			return list
		}
	}
	return nil
}

// listedIn are the only values that there are.
func listedIn(schema keywords) ([]any, bool) {
	if list, isList := schema["enum"].([]any); isList {
		return list, true
	}
	value, found := schema["const"]
	return []any{value}, found
}

// typesOf is empty if the schema does not say.
func typesOf(schema keywords) (types []string) {
	given, found := schema["type"]
	if !found {
		if values, isListed := listedIn(schema); isListed {
			for _, each := range values {
				types = appendOnce(types, jsonTypeOf(each))
			}
		}
		return types
	}
	list, isList := given.([]any)
	if !isList {
		list = []any{given}
	}
	for _, each := range list {
		if text, isText := each.(string); isText {
			types = appendOnce(types, text)
		}
	}
	return types
}

func appendOnce(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

func jsonTypeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}

func typeText(given any) string {
	list, isList := given.([]any)
	if !isList {
		return fmt.Sprint(given)
	}
	texts := make([]string, len(list))
	for index, each := range list {
		texts[index] = fmt.Sprint(each)
	}
	return strings.Join(texts, ",")
}

func article(name string) string {
	switch {
	case name == "null":
		return name
	case strings.ContainsAny(name[:min(1, len(name))], "aeiou"):
		return "an " + name
	default:
		return "a " + name
	}
}
