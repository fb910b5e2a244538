package sealpipe

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"sealpipe/internal/transport"
)

func TestASecretFileIsMadeOnceWithoutLinks(t *testing.T) {
	before := transport.Link
	transport.Link = func(from, to string) error {
		return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM}
	}
	defer func() { transport.Link = before }()
	for round := range 20 {
		directory := t.TempDir()
		path := filepath.Join(directory, "secret")
		secrets := make([][]byte, 8)
		var done sync.WaitGroup
		for index := range secrets {
			done.Add(1)
			go func() {
				defer done.Done()
				secret, err := readSecretFile(path)
				if err != nil {
					t.Error(err)
				}
				secrets[index] = secret
			}()
		}
		done.Wait()
		for _, secret := range secrets {
			if len(secret) != freshSecretBytes || !bytes.Equal(secret, secrets[0]) {
				t.Fatalf("round %d: %x and %x", round, secret, secrets[0])
			}
		}
		if entries, _ := os.ReadDir(directory); len(entries) != 1 {
			t.Fatalf("round %d leaves %v", round, entries)
		}
	}
}
