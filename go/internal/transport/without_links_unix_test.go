//go:build unix

package transport

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"sealpipe/internal/fault"
)

func withoutLinks(t *testing.T) {
	t.Helper()
	before := Link
	Link = func(from, to string) error {
		if _, err := os.Lstat(to); err == nil {
			return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EEXIST}
		}
		return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM}
	}
	t.Cleanup(func() { Link = before })
}

func dials(address Address) bool {
	conn, err := net.Dial("unix", address.Path)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

func entriesOf(t *testing.T, directory string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestOfServersThatStartAtOnceWithoutLinksOneWins(t *testing.T) {
	withoutLinks(t)
	directory := t.TempDir()
	address := Address{Path: filepath.Join(directory, "my-app.sock")}
	for round := range 100 {
		if round%2 == 1 {
			bindIn(t, address.Path)
		}
		var start, done sync.WaitGroup
		start.Add(1)
		var mu sync.Mutex
		var winners []boundSocket
		for range 4 {
			done.Add(1)
			go func() {
				defer done.Done()
				start.Wait()
				bound, err := bindSocket(address, &ListenOptions{}, dials)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					winners = append(winners, bound)
				} else if !errors.Is(err, fault.AddressInUse) {
					t.Error(err)
				}
			}()
		}
		start.Done()
		done.Wait()
		if len(winners) != 1 {
			t.Fatalf("round %d has %d winners", round, len(winners))
		}
		if !winners[0].identity.isAt(address.Path) || !dials(address) {
			t.Fatalf("round %d: the winner is not at the address", round)
		}
		if names := entriesOf(t, directory); len(names) != 1 {
			t.Fatalf("round %d leaves %v", round, names)
		}
		_ = winners[0].listener.Close()
		if err := removeFromAddress(address, winners[0].identity); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWithoutLinksNothingThatIsNotDeadIsReplaced(t *testing.T) {
	withoutLinks(t)
	directory := t.TempDir()
	file := filepath.Join(directory, "file.sock")
	if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bindSocket(Address{Path: file}, &ListenOptions{}, dials); !errors.Is(err, fault.AddressInUse) {
		t.Errorf("a file: %v", err)
	}
	if content, _ := os.ReadFile(file); string(content) != "kept" {
		t.Errorf("the file has %q", content)
	}
}

func TestAHoldOfAKilledServerIsAbandoned(t *testing.T) {
	withoutLinks(t)
	directory := t.TempDir()
	hold := filepath.Join(directory, ".sp-aaaaaa", "c-my-app.sock")
	if err := os.MkdirAll(hold, 0o700); err != nil {
		t.Fatal(err)
	}
	address := Address{Path: filepath.Join(directory, "my-app.sock")}
	outcome, err := RenameUnlessHeld(Renamed{
		From: "unused", To: address.Path, Hold: filepath.Join(directory, "own"),
		Holds: func() []string { return renameHoldsAt(address) }, MayReplace: func() bool { t.Error("it was held"); return false },
	})
	if outcome != RenameHeld || err != nil {
		t.Fatalf("%v, %v", outcome, err)
	}
	long := time.Now().Add(-time.Minute)
	if err := os.Chtimes(hold, long, long); err != nil {
		t.Fatal(err)
	}
	bound, err := bindSocket(address, &ListenOptions{}, dials)
	if err != nil {
		t.Fatal(err)
	}
	_ = bound.listener.Close()
	if _, err := os.Lstat(hold); !os.IsNotExist(err) {
		t.Error("the hold is still there")
	}
}
