// Package vectors reads the wire's examples in spec/vectors, for tests.
package vectors

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Load decodes the vectors of a file. Fields that a vector may lack are zero in it.
func Load[V any](t testing.TB, file string) []V {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(here), "../../../spec/vectors", file)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var found struct{ Vectors []V }
	if err := json.Unmarshal(content, &found); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(found.Vectors) == 0 {
		t.Fatalf("%s has no vectors", file)
	}
	return found.Vectors
}

// Bytes is a hexadecimal string in the file.
type Bytes []byte

func (b *Bytes) UnmarshalJSON(text []byte) error {
	var digits string
	if err := json.Unmarshal(text, &digits); err != nil {
		return err
	}
	decoded, err := hex.DecodeString(digits)
	*b = decoded
	return err
}

// Pattern is long data: byte i is (31 i + 17 seed + 7 floor(i / 256)) mod 256.
type Pattern struct {
	Bytes, Seed int
}

// Fill makes the bytes from start on.
func (p Pattern) Fill(start int) []byte {
	data := make([]byte, p.Bytes)
	for index := range data {
		i := start + index
		data[index] = byte(31*i + 17*p.Seed + 7*(i/256))
	}
	return data
}
