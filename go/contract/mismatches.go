package contract

import (
	"fmt"
	"slices"
)

// mismatches is why a caller cannot use the members that an implementer has, each with the member's name. Source:
// spec/contracts.md, "Identity" and "Changes".
func mismatches(caller, implementer *document) (reasons []string) {
	for _, name := range sortedKeys(caller.members) {
		member := caller.members[name]
		other, found := implementer.members[name]
		if !found {
			if stranger := nameOfNumber(implementer, member); stranger != "" {
				reasons = append(reasons, fmt.Sprintf("%s: its number %d is that of %q", name, member.number, stranger))
			}
			continue
		}
		for _, what := range memberMisfits(member, other) {
			reasons = append(reasons, name+": "+what)
		}
	}
	return reasons
}

// nameOfNumber is what has the number of a member under another name.
func nameOfNumber(of *document, member described) string {
	for _, name := range sortedKeys(of.members) {
		if other := of.members[name]; other.kind == member.kind && other.number == member.number {
			return name
		}
	}
	return ""
}

func memberMisfits(caller, implementer described) []string {
	if caller.kind != implementer.kind {
		kinds := []string{caller.kind, implementer.kind}
		slices.Sort(kinds)
		return []string{fmt.Sprintf("its kinds are %s and %s", kinds[0], kinds[1])}
	}
	if caller.number != implementer.number {
		return []string{fmt.Sprintf("its numbers are %d and %d", min(caller.number, implementer.number),
			max(caller.number, implementer.number))}
	}
	switch caller.kind {
	case "method":
		return methodMisfits(caller, implementer)
	case "stream":
		return streamMisfits(caller, implementer)
	case "event":
		return eventMisfits(caller, implementer)
	default:
		return nil // A kind from a later version of this library.
	}
}

func methodMisfits(caller, implementer described) []string {
	reasons := partMisfits("input", caller.part("input"), implementer.part("input"))
	reasons = append(reasons, partMisfits("output", implementer.part("output"), caller.part("output"))...)
	for _, code := range sortedKeys(caller.errors) {
		if sent, found := implementer.errors[code]; found {
			reasons = append(reasons, partMisfits("the data of "+code, errorPart(sent), errorPart(caller.errors[code]))...)
		}
	}
	return reasons
}

func streamMisfits(caller, implementer described) []string {
	reasons := partMisfits("input", caller.part("input"), implementer.part("input"))
	for _, key := range []string{"output", "items"} {
		sender, receiver := implementer.part(key), caller.part(key)
		if key == "items" {
			sender, receiver = receiver, sender
		}
		if (sender.schema == nil) != (receiver.schema == nil) {
			reasons = append(reasons, key+": one end has a schema, and the other has none")
			continue
		}
		reasons = append(reasons, partMisfits(key, sender, receiver)...)
	}
	return reasons
}

func eventMisfits(caller, implementer described) (reasons []string) {
	goes := func(event described, way string) bool { return event.direction == way || event.direction == "both" }
	for _, way := range []string{"to-caller", "from-caller"} {
		switch {
		case !goes(caller, way):
		case !goes(implementer, way):
			reasons = append(reasons, fmt.Sprintf("the implementer does not know it as %q", way))
		case way == "to-caller":
			reasons = append(reasons, partMisfits("data", implementer.part("data"), caller.part("data"))...)
		default:
			reasons = append(reasons, partMisfits("data", caller.part("data"), implementer.part("data"))...)
		}
	}
	return reasons
}

// comparedPart is a JSON Schema, nil if there is nothing, and whether there may be nothing.
type comparedPart struct {
	schema   any
	optional bool
}

func (m described) part(key string) comparedPart {
	schema, found := m.parts[key]
	return comparedPart{schema, !found || slices.Contains(m.optional, key)}
}

func errorPart(schema any) comparedPart { return comparedPart{schema, schema == nil} }

func partMisfits(what string, sent, taken comparedPart) []string {
	if taken.schema == nil {
		return nil // Whoever has no schema for it does not look at it.
	}
	isUnknown := taken.schema == true || sent.schema == true
	var found []string
	if sent.optional && !taken.optional && !isUnknown {
		found = append(found, "it may be missing")
	}
	if sent.schema != nil {
		found = append(found, misfits(sent.schema, taken.schema)...)
	}
	for index, reason := range found {
		found[index] = what + ": " + reason
	}
	return found
}
