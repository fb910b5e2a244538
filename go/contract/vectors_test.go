package contract

import (
	"encoding/json"
	"slices"
	"testing"

	"sealpipe/internal/vectors"
)

func texts(issues []Issue) (list []string) {
	for _, issue := range issues {
		text, _ := json.Marshal(issue.Path)
		list = append(list, string(text)+" "+issue.Message)
	}
	slices.Sort(list)
	return list
}

func TestDataFitTheirSchemasAsTheVectorsSay(t *testing.T) {
	for _, vector := range vectors.Load[struct {
		Name, Data string
		Schema     json.RawMessage
		Issues     []Issue
	}](t, "contract-data.json") {
		t.Run(vector.Name, func(t *testing.T) {
			schema, err := parseValue(vector.Schema)
			if err != nil {
				t.Fatal(err)
			}
			check, err := compile(schema)
			if err != nil {
				t.Fatal(err)
			}
			found := (&part{schema: schema, check: check}).issues([]byte(vector.Data))
			if !slices.Equal(texts(found), texts(vector.Issues)) {
				t.Errorf("found %q, not %q", texts(found), texts(vector.Issues))
			}
		})
	}
}

func TestSchemasAreComparedAsTheVectorsSay(t *testing.T) {
	for _, vector := range vectors.Load[struct {
		Name        string
		Sent, Taken json.RawMessage
		Reasons     []string
	}](t, "contract-changes.json") {
		t.Run(vector.Name, func(t *testing.T) {
			sent, err := parseValue(vector.Sent)
			if err != nil {
				t.Fatal(err)
			}
			taken, err := parseValue(vector.Taken)
			if err != nil {
				t.Fatal(err)
			}
			found := misfits(sent, taken)
			slices.Sort(found)
			slices.Sort(vector.Reasons)
			if !slices.Equal(found, vector.Reasons) {
				t.Errorf("found %q, not %q", found, vector.Reasons)
			}
		})
	}
}
