//go:build unix

package transport

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sealpipe/internal/fault"
)

func TestTheErrorNamesTheProcessThatHoldsTheAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	address := freshAddress(t)
	listen(t, address, options(nil))
	_, err := Listen(address, options(nil))
	want := fmt.Sprintf("a server is alive there, the process %d (", os.Getpid())
	if !errors.Is(err, fault.AddressInUse) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v has no %q", err, want)
	}
}

func TestTheHolderIsNamedOnlyIfNothingElseCanBeIt(t *testing.T) {
	const staged = "/nowhere/.sp-aB3xYz/my-app.sp-aB3xYz"
	process := map[string]string{"4711": "11", "4712": "12"}
	for path, c := range map[string]struct{ sockets, want string }{
		"/nowhere/my-app.sock":   {"11 " + staged, "the process 4711 (no?e)"},
		"/nowhere/bare.sock":     {"12 /nowhere/bare.sock", "the process 4712 (no?e)"},
		"/nowhere/my-ap.sock":    {"11 " + staged, ""},
		"/nowhere/my-apple.sock": {"11 " + staged, ""},
		"/elsewhere/my-app.sock": {"11 " + staged, ""},
		"/nowhere/two.sock":      {"11 /nowhere/two.sock\n12 /nowhere/.sp-111111/two.sp-111111", ""},
		"/nowhere/gone.sock":     {"99 /nowhere/gone.sock", ""},
	} {
		if got := tableOf(t, c.sockets, process).holderOf(path); got != c.want {
			t.Errorf("%s: %q, not %q", path, got, c.want)
		}
	}
}

// tableOf is a table of listening sockets, each with its inode and path, and of processes with the inode that each has open.
func tableOf(t *testing.T, sockets string, processes map[string]string) processTable {
	directory := t.TempDir()
	table := "Num RefCount Protocol Flags Type St Inode Path\n"
	for _, socket := range strings.Split(sockets, "\n") {
		table += "0: 00000002 00000000 00010000 0001 01 " + socket + "\n"
	}
	files := map[string]string{"unix": table}
	for pid, inode := range processes {
		descriptors := filepath.Join(directory, pid, "fd")
		if err := errors.Join(os.MkdirAll(descriptors, 0o700), os.Symlink("socket:["+inode+"]", filepath.Join(descriptors, "7"))); err != nil {
			t.Fatal(err)
		}
		files[pid+"/comm"] = "no\x1be\n"
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return processTable{sockets: filepath.Join(directory, "unix"), processes: directory, patience: 10 * time.Second}
}
