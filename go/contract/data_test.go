package contract

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestDataThatNobodyTakesAreRefused(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":               ``,
		"half of it":            `{"a":`,
		"two values":            `1 2`,
		"invalid UTF-8":         "\"\xff\"",
		"a byte order mark":     "\ufeff1",
		"a key that pollutes":   `{"a":[{"__proto__":1}]}`,
		"the same, escaped":     `{"__\u0070roto__":1}`,
		"257 lists":             strings.Repeat("[", 257) + strings.Repeat("]", 257),
		"a hundred thousand":    strings.Repeat("[", 100_000),
		"not a number":          `NaN`,
		"a text in apostrophes": `'a'`,
	} {
		if value, err := parseValue([]byte(data)); err == nil {
			t.Errorf("%s: it was taken, as %v", name, value)
		}
	}
	if _, err := parseValue([]byte(strings.Repeat("[", 256) + strings.Repeat("]", 256))); err != nil {
		t.Errorf("256 lists: %v", err)
	}
}

func TestAPropertyIsFoundByItsExactName(t *testing.T) {
	var path string
	if err := UnmarshalObject([]byte(`{"PATH":"a","Path":"b","path":"c","pAth":"d"}`), map[string]any{"path": &path}); err != nil {
		t.Fatal(err)
	}
	if path != "c" {
		t.Errorf("it is %q", path)
	}
}

func TestWholeNumbersAreReadHoweverTheyAreWritten(t *testing.T) {
	for text, want := range map[string]int64{"5": 5, "5.0": 5, "5e2": 500, "-1.0e0": -1, "9007199254740993": 9007199254740993} {
		var number int64
		if err := Unmarshal([]byte(text), &number); err != nil || number != want {
			t.Errorf("%s is %d, %v", text, number, err)
		}
		var list []*int64
		if err := Unmarshal([]byte("[null,"+text+"]"), &list); err != nil || *list[1] != want {
			t.Errorf("%s in a list: %v", text, err)
		}
	}
	for _, text := range []string{"1.5", "1e400", "9223372036854775808", "1e1000000000"} {
		var number int64
		if err := Unmarshal([]byte(text), &number); err == nil {
			t.Errorf("%s is %d", text, number)
		}
	}
}

func TestAPropertyMayBeMissingOrNullOrThere(t *testing.T) {
	type object struct {
		Mail Optional[*string] `json:"mail,omitzero"`
	}
	for _, text := range []string{`{}`, `{"mail":null}`, `{"mail":"a"}`} {
		var value object
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(value)
		if err != nil || string(again) != text {
			t.Errorf("%s became %s, %v", text, again, err)
		}
	}
}

func TestConstantsAreWrittenBeforeOtherProperties(t *testing.T) {
	type one struct {
		A int `json:"a"`
	}
	type none struct{}
	for want, given := range map[string]any{`{"kind":"x","n":1,"a":5}`: one{5}, `{"kind":"x","n":1}`: none{}} {
		got, err := MarshalObject(given, `"kind"`, `"x"`, `"n"`, `1`)
		if err != nil || string(got) != want {
			t.Errorf("%s, %v", got, err)
		}
	}
}

func TestNilIsAnEmptyListAndAnEmptyMap(t *testing.T) {
	list, err := partOf(map[string]any{"type": "array"}, false)
	if err != nil {
		t.Fatal(err)
	}
	for want, value := range map[string]any{"[]": []string(nil), "{}": map[string]int(nil), "null": (*string)(nil)} {
		if got, err := encode(list, value); err != nil || string(got) != want {
			t.Errorf("%s, %v", got, err)
		}
	}
	list.optional = true
	if got, err := encode(list, []string(nil)); err != nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSchemasThatCannotBeCheckedAreRefused(t *testing.T) {
	for schema, reason := range map[string]string{
		`{"not":{}}`: `the keyword "not" cannot be checked`, `5`: "no object and no boolean", `{"type":"any"}`: "no type",
		`{"type":[]}`: "no type at all", `{"enum":5}`: "/enum: no list", `{"minimum":"1"}`: "/minimum: no number",
		`{"multipleOf":0}`: "/multipleOf: no number", `{"minLength":-1}`: "/minLength: no number", `{"maxItems":1.5}`: "/maxItems",
		`{"pattern":"("}`: "/pattern: Go has no such regular expression", `{"pattern":5}`: "/pattern: no text",
		`{"required":"a"}`: "/required: no list", `{"properties":[]}`: "/properties: no object", `{"prefixItems":{}}`: "/prefixItems",
		`{"anyOf":[]}`: "anyOf is a list", `{"oneOf":[true,{"items":5}]}`: "/oneOf/1/items: no object", `{"$ref":5}`: "no text",
		`{"$ref":"other.json"}`: "outside of the schema", `{"$ref":"#/$defs/a"}`: "leads to nothing",
		`{"properties":{"a":{"contentMediaType":"application/octet-stream"}}}`: "bytes in other data",
		`{"additionalProperties":{"type":5}}`:                                  "/additionalProperties/type", `{"propertyNames":{"type":5}}`: "/propertyNames/type",
		`{"$ref":"#/$defs/a","$defs":{"a":{"type":5}}}`: "/$defs/a/type",
	} {
		value, err := parseValue([]byte(schema))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = compile(value); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", schema, err)
		}
	}
}

func TestDescriptionsThatAreNoneAreRefused(t *testing.T) {
	for text, reason := range map[string]string{
		`[]`: "contract/1", `{"sealpipe":"contract/1"}`: "has no", `{`: "ends too early",
		`{"sealpipe":"contract/1","name":"a","version":"","codec":"json"}`:                                                                 "no members",
		`{"sealpipe":"contract/1","name":"a","version":"","codec":"cbor","members":{}}`:                                                    "there is json alone",
		`{"sealpipe":"contract/1","name":"a","version":"","codec":"json","members":{"x":5}}`:                                               `"x" has no kind`,
		`{"sealpipe":"contract/1","name":"a","version":"","codec":"json","members":{"x":{"kind":"event","number":1}}}`:                     "no direction",
		`{"sealpipe":"contract/1","name":"a","version":"","codec":"json","members":{"x":{"kind":"method","number":4294967295}}}`:           "or no number",
		`{"sealpipe":"contract/1","name":"a","version":"","codec":"json","members":{"x":{"kind":"method","number":1,"input":5}}}`:          "no JSON Schema",
		`{"sealpipe":"contract/1","name":"a","version":"","codec":"json","members":{"x":{"kind":"method","number":1,"input":{"not":1}}}}`:  "cannot be checked",
		`{"sealpipe":"contract/1","name":"a","version":"","codec":"json","members":{"x":{"kind":"method","number":1,"optional":"input"}}}`: "no list",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
