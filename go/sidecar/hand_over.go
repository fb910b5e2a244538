package sidecar

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"path/filepath"
)

// version of the hand-over.
const version = "sidecar/1"

// handOver is what a parent tells its sidecar, as one line of JSON on the standard input. Source: docs/sidecars.md, "The hand-over".
type handOver struct {
	// Name is that of the channel.
	Name string
	// Directory is that of its socket, which the sidecar makes; empty on Windows.
	Directory string
	Secret    []byte
	// Group is the process group of the sidecar and of whatever it starts, if it has one of its own; otherwise 0.
	Group int
}

func decodeHandOver(line []byte) (*handOver, error) {
	invalid := noParent("the first line of the standard input is no hand-over of this version", nil)
	// Member by member, as names are exact.
	members := map[string]json.RawMessage{}
	if json.Unmarshal(line, &members) != nil {
		return nil, invalid
	}
	var itsVersion, secret string
	h := &handOver{}
	group := float64(0)
	for _, member := range []struct {
		name    string
		into    any
		mayLack bool
	}{
		{"sealpipe", &itsVersion, false}, {"name", &h.Name, false}, {"secret", &secret, false},
		{"directory", &h.Directory, true}, {"group", &group, true},
	} {
		value, ok := members[member.name]
		if !ok && member.mayLack {
			continue
		}
		if !ok || string(value) == "null" || json.Unmarshal(value, member.into) != nil {
			return nil, invalid
		}
	}
	_, hasDirectory := members["directory"]
	_, hasGroup := members["group"]
	var err error
	h.Secret, err = base64.StdEncoding.DecodeString(secret)
	if err != nil || len(h.Secret) == 0 || itsVersion != version || hasDirectory && !filepath.IsAbs(h.Directory) ||
		hasGroup && (group != math.Trunc(group) || group < 2 || group > math.MaxInt32) {
		return nil, invalid
	}
	h.Group = int(group)
	return h, nil
}
