//go:build unix

package transport

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func bindIn(t *testing.T, path string) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	_ = listener.Close()
}

func TestStagedSocketsAreNamedAfterTheirServer(t *testing.T) {
	directory := t.TempDir()
	staging, err := makeStagingDirectory(Address{Path: filepath.Join(directory, "my-app.sock")})
	if err != nil {
		t.Fatal(err)
	}
	if name := filepath.Base(staging.socketPath); name != "my-app"+filepath.Base(staging.path) {
		t.Errorf("the socket is staged as %s", name)
	}
	bindIn(t, staging.socketPath)
	staging.remove()
	if _, err := os.Lstat(staging.path); !os.IsNotExist(err) {
		t.Error("the directory stays behind")
	}
}

func TestStagedNamesAreCutToWhatFits(t *testing.T) {
	directory := t.TempDir()
	for len(directory) < maxSocketPathBytes()-stagingBytes-2 {
		directory = filepath.Join(directory, strings.Repeat("d", min(20, maxSocketPathBytes()-stagingBytes-3-len(directory))))
		if err := os.Mkdir(directory, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	staging, err := makeStagingDirectory(Address{Path: filepath.Join(directory, "my-app.sock")})
	if err != nil {
		t.Fatal(err)
	}
	if len(staging.socketPath) > maxSocketPathBytes() {
		t.Errorf("%s has %d bytes", staging.socketPath, len(staging.socketPath))
	}
	bindIn(t, staging.socketPath)
	staging.remove()
}

func TestWhatServersOfEveryLanguageLeftIsRemovedAndNothingElse(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, ".sp-Abc123")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"my-app.sp-Abc123", ".sp-Abc123", "d"} {
		bindIn(t, filepath.Join(path, name))
	}
	bindIn(t, filepath.Join(path, "mine"))
	found, err := findStagings(directory)
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	found[0].remove()
	entries, _ := os.ReadDir(path)
	if len(entries) != 1 || entries[0].Name() != "mine" {
		t.Errorf("%v is left", entries)
	}
	_ = os.Remove(filepath.Join(path, "mine"))
	found[0].remove()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Error("the directory stays behind")
	}
}
