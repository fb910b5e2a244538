package contract

import (
	"encoding/json"
	"slices"
)

const (
	maxIssues      = 32
	maxIssueLength = 256
)

// Issue is what is wrong with data, as the peer that sent them is told.
type Issue struct {
	Message string `json:"message"`
	// Path is where: names of properties (string) and positions in lists (int), from the outside in. Empty for the whole.
	Path []any `json:"path"`
}

// finding is what is found wrong with a value, and where in it the look is at.
type finding struct {
	issues []Issue
	path   []any
}

func (f *finding) add(message string) {
	if len(f.issues) >= maxIssues {
		return
	}
	if len(message) > maxIssueLength {
		message = message[:maxIssueLength]
	}
	f.issues = append(f.issues, Issue{Message: message, Path: append([]any{}, f.path...)})
}

// within looks at what has that key in the value.
func (f *finding) within(key any, look func()) {
	f.path = append(f.path, key)
	look()
	f.path = f.path[:len(f.path)-1]
}

// fits looks at one of several alternatives: what it finds is not yet found wrong.
func (f *finding) fits(value any, check check) bool {
	apart := finding{path: slices.Clone(f.path)}
	check(value, &apart)
	return len(apart.issues) == 0
}

// receivedIssues are what a peer says that is wrong, as far as it says it in the right form.
func receivedIssues(data []byte) []Issue {
	value, err := parseValue(data)
	if err != nil {
		return nil
	}
	list, _ := value.([]any)
	var issues []Issue
	for _, each := range list[:min(len(list), maxIssues)] {
		object, _ := each.(map[string]any)
		message, isText := object["message"].(string)
		if !isText {
			continue
		}
		issue := Issue{Message: message[:min(len(message), maxIssueLength)], Path: []any{}}
		path, _ := object["path"].([]any)
		for _, key := range path[:min(len(path), 16)] {
			issue.Path = append(issue.Path, pathKey(key))
		}
		issues = append(issues, issue)
	}
	return issues
}

func pathKey(key any) any {
	if number, ok := key.(json.Number); ok {
		if index, err := number.Int64(); err == nil {
			return int(index)
		}
	}
	text, ok := key.(string)
	if !ok {
		text = textOf(key)
	}
	return text
}
