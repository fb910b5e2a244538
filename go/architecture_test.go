package sealpipe_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sealpipe"
)

// mayImport has, for each package of the module, which others of it that may import.
var mayImport = map[string][]string{
	"internal/fault":     {},
	"internal/fifo":      {},
	"internal/wire":      {"internal/fault"},
	"internal/session":   {"internal/fault", "internal/fifo", "internal/wire"},
	"internal/engine":    {"internal/fault", "internal/fifo", "internal/wire", "internal/session"},
	"internal/transport": {"internal/fault"},
	".":                  {"internal/fault", "internal/fifo", "internal/wire", "internal/session", "internal/engine", "internal/transport"},
	"ipc":                {"."},
	"sidecar":            {"."},
	"contract":           {"."},
}

// protocol are the packages without I/O, goroutines, clock and randomness.
var protocol = []string{"internal/fault", "internal/fifo", "internal/wire", "internal/session", "internal/engine"}

// pure are the standard library's packages that they may import: none can reach the world.
var pure = []string{
	"bytes", "crypto/aes", "crypto/cipher", "crypto/ecdh", "crypto/hkdf", "crypto/hmac", "crypto/sha256", "crypto/subtle",
	"encoding/binary", "encoding/hex", "errors", "fmt", "math", "slices", "strings", "unicode/utf8",
}

func sources(t *testing.T) map[string][]*ast.File {
	t.Helper()
	found := map[string][]*ast.File{}
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		directory := path.Dir(filepath.ToSlash(file))
		found[directory] = append(found[directory], parsed)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func importsOf(file *ast.File) (paths []string) {
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		paths = append(paths, imported)
	}
	return paths
}

func TestPackagesImportEachOtherOneWay(t *testing.T) {
	for directory, files := range sources(t) {
		allowed, known := mayImport[directory]
		if !known {
			continue // A test's own, or a command's.
		}
		for _, file := range files {
			for _, imported := range importsOf(file) {
				within, ours := strings.CutPrefix(imported+"/", "sealpipe/")
				within = path.Clean(within)
				if ours && !slices.Contains(allowed, within) {
					t.Errorf("%s imports %s", directory, imported)
				}
			}
		}
	}
}

func TestTheProtocolHasNoIOGoroutineClockOrRandomness(t *testing.T) {
	all := sources(t)
	for _, directory := range protocol {
		if len(all[directory]) == 0 {
			t.Errorf("%s has no files", directory)
		}
		for _, file := range all[directory] {
			for _, imported := range importsOf(file) {
				if !strings.HasPrefix(imported, "sealpipe/") && !slices.Contains(pure, imported) {
					t.Errorf("%s imports %s", directory, imported)
				}
			}
			ast.Inspect(file, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
					t.Errorf("%s has a %T", directory, node)
				}
				return true
			})
		}
	}
}

func TestTheCodesAreTypeScripts(t *testing.T) {
	source, err := os.ReadFile("../src/errors.ts")
	if err != nil {
		t.Skip("TypeScript's sources are not here")
	}
	ours, err := os.ReadFile("internal/fault/fault.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^  (ERR_[A-Z_]+): "(\w+)",$`).FindAllStringSubmatch(string(source), -1)
	if len(rows) == 0 {
		t.Fatal("the table was not found")
	}
	for _, row := range rows {
		if !strings.Contains(string(ours), `"`+row[1]+`"`) {
			t.Errorf("%s is missing", row[1])
		}
		if fault := sealpipe.Code(row[1]).Fault(); string(fault) != row[2] {
			t.Errorf("%s is the %s's fault, not the %s's", row[1], fault, row[2])
		}
	}
}
