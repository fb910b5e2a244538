package contract

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"

	"sealpipe"
)

// Contract is one as it was exported. Generated code makes it.
type Contract struct {
	Name, Version string
	// description is the document that the hash is of, as RFC 8785 writes it.
	description string
	members     map[string]*Member
}

// Member is a method, a stream or an event of a contract.
type Member struct {
	Name, Kind string
	Number     uint32
	Direction  string

	contract *Contract
	// Those that are nil say that there is nothing.
	input, output, items, data *part
	errors                     map[string]*part
	declared                   map[string]func(message string, data []byte) error
}

// part is one of the data of a member.
type part struct {
	schema any
	check  check
	// optional: there may be nothing. bytes: as they are, and not a value in the codec.
	optional, bytes bool
}

// MustParse reads a contract's description, and panics if it is none that this package can check: generated code has one that is.
func MustParse(description string) *Contract {
	c, err := Parse(description)
	if err != nil {
		panic("sealpipe/contract: " + err.Error())
	}
	return c
}

// Parse reads a contract's description. Source: spec/contracts.md, "Description".
func Parse(description string) (*Contract, error) {
	document, err := parseDescription([]byte(description))
	if err != nil {
		return nil, err
	}
	if document.codec != "json" {
		return nil, fmt.Errorf("the codec %q: there is json alone", document.codec)
	}
	c := &Contract{Name: document.name, Version: document.version, description: description, members: map[string]*Member{}}
	for name, described := range document.members {
		member, err := c.member(name, described)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		c.members[name] = member
	}
	return c, nil
}

// Identity is by which two ends find out whether they mean the same contract.
func (c *Contract) Identity() sealpipe.ContractIdentity {
	return sealpipe.ContractIdentity{Name: c.Name, Version: c.Version, Hash: sha256.Sum256([]byte(c.description))}
}

// Member is the one of that name; it panics if there is none.
func (c *Contract) Member(name string) *Member {
	member := c.members[name]
	if member == nil {
		panic(fmt.Sprintf("sealpipe/contract: contract %q has no member %q", c.Name, name))
	}
	return member
}

// Options are those of an end that has to do with these contracts, so that its peer is told of them.
func Options(given *sealpipe.Options, contracts ...*Contract) *sealpipe.Options {
	options := sealpipe.Options{}
	if given != nil {
		options = *given
	}
	options.Codec = "json"
	options.Contracts = slices.Clone(options.Contracts)
	for _, each := range contracts {
		identity := each.Identity()
		isIt := func(other sealpipe.ContractIdentity) bool { return other.Name == identity.Name }
		options.Contracts = append(slices.DeleteFunc(options.Contracts, isIt), identity)
	}
	return &options
}

func (c *Contract) member(name string, of described) (*Member, error) {
	m := &Member{Name: name, Kind: of.kind, Number: of.number, Direction: of.direction, contract: c, errors: map[string]*part{}}
	for key, target := range map[string]**part{"input": &m.input, "output": &m.output, "items": &m.items, "data": &m.data} {
		schema, found := of.parts[key]
		if !found {
			continue
		}
		made, err := partOf(schema, slices.Contains(of.optional, key))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		*target = made
	}
	for code, schema := range of.errors {
		if schema == nil {
			m.errors[code] = nil
			continue
		}
		made, err := partOf(schema, false)
		if err != nil {
			return nil, fmt.Errorf("errors/%s: %w", code, err)
		}
		m.errors[code] = made
	}
	return m, nil
}

func partOf(schema any, optional bool) (*part, error) {
	if isBytes(schema) {
		return &part{schema: schema, bytes: true, optional: optional}, nil
	}
	check, err := compile(schema)
	return &part{schema: schema, check: check, optional: optional}, err
}

// sends reports whether the end that implements the contract, or the one that calls it, sends this event.
func (m *Member) sends(implementer bool) bool {
	if implementer {
		return m.Direction != "from-caller"
	}
	return m.Direction != "to-caller"
}

// document is a contract's description, as far as it is read.
type document struct {
	name, version, codec string
	members              map[string]described
}

type described struct {
	kind, direction string
	number          uint32
	// parts and errors are JSON Schemas; nil is an error without data.
	parts, errors map[string]any
	optional      []string
}

func parseDescription(data []byte) (*document, error) {
	value, err := parseValue(data)
	if err != nil {
		return nil, err
	}
	object, _ := value.(map[string]any)
	if object["sealpipe"] != "contract/1" {
		return nil, errors.New(`it is no description of a contract: "sealpipe" is not "contract/1"`)
	}
	d := &document{members: map[string]described{}}
	for key, target := range map[string]*string{"name": &d.name, "version": &d.version, "codec": &d.codec} {
		text, isText := object[key].(string)
		if !isText {
			return nil, fmt.Errorf("a contract's description has no %s", key)
		}
		*target = text
	}
	members, isObject := object["members"].(map[string]any)
	if !isObject {
		return nil, errors.New("a contract's description has no members")
	}
	for name, each := range members {
		if d.members[name], err = parseMember(each); err != nil {
			return nil, fmt.Errorf("%q %w", name, err)
		}
	}
	return d, nil
}

func parseMember(value any) (described, error) {
	object, _ := value.(map[string]any)
	m := described{parts: map[string]any{}}
	number, isNumber := numberOf(object["number"])
	m.kind, _ = object["kind"].(string)
	if m.kind == "" || !isNumber || number != math.Trunc(number) || number < 1 || number >= math.MaxUint32 {
		return m, errors.New("has no kind, or no number")
	}
	m.number = uint32(number)
	m.direction, _ = object["direction"].(string)
	if m.kind == "event" && !slices.Contains([]string{"to-caller", "from-caller", "both"}, m.direction) {
		return m, errors.New("has no direction")
	}
	optional, has := object["optional"]
	if m.optional, _ = textsOf(optional); has && m.optional == nil {
		return m, errors.New(`has an "optional" that is no list`)
	}
	for _, key := range []string{"input", "output", "items", "data"} {
		if schema, found := object[key]; found {
			m.parts[key] = schema
		}
	}
	m.errors, _ = object["errors"].(map[string]any)
	for _, schemas := range []map[string]any{m.parts, m.errors} {
		for key, schema := range schemas {
			_, isObject := schema.(map[string]any)
			_, isBool := schema.(bool)
			isNone := schema == nil && len(m.errors) > 0
			if !isObject && !isBool && !isNone {
				return m, fmt.Errorf("has a %s that is no JSON Schema", key)
			}
		}
	}
	return m, nil
}
