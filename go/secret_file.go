package sealpipe

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sealpipe/internal/fault"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

const (
	freshSecretBytes = 32
	// maxSecretRounds: a round fails only if somebody removes the file meanwhile; that many in a row are no accident.
	maxSecretRounds = 4
)

// readSecretFile returns the secret in the file. If there is no file, it is created with random bytes: if any number
// of processes do so at once, one wins, and all get that one's secret. Nobody but this user and root may be able to
// change the path, because otherwise another user could choose the file. Its owner and mode are checked on the open
// file.
func readSecretFile(path string) ([]byte, error) {
	objection, err := transport.ObjectionToWay(filepath.Dir(path), Trust{})
	if err != nil {
		return nil, unusable(path, "cannot be used", err)
	}
	if objection != "" {
		return nil, unusable(path, "is not safe: "+objection, nil)
	}
	for range maxSecretRounds {
		secret, err := readSecretIfThere(path)
		if secret != nil || err != nil {
			return secret, err
		}
		if err := makeSecretUnlessThere(path); err != nil {
			return nil, unusable(path, "cannot be made", err)
		}
	}
	return nil, unusable(path, "is removed again and again", nil)
}

func unusable(path, objection string, cause error) error {
	return fault.Wrap(fault.SecretFile, cause, "the secret file %s %s", path, objection)
}

func readSecretIfThere(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|openCarefully, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unusable(path, "cannot be used, or is a symbolic link", err)
	}
	defer func() { _ = file.Close() }()
	status, err := file.Stat()
	if err != nil {
		return nil, unusable(path, "cannot be used", err)
	}
	if objection := objectionToSecretFile(status); objection != "" {
		return nil, unusable(path, objection, nil)
	}
	secret, err := io.ReadAll(io.LimitReader(file, wire.MaxSecretBytes+1))
	switch {
	case err != nil:
		return nil, unusable(path, "cannot be read", err)
	case len(secret) == 0:
		return nil, unusable(path, "is empty", nil)
	case len(secret) > wire.MaxSecretBytes:
		clear(secret)
		return nil, unusable(path, fmt.Sprintf("has more than %d bytes", wire.MaxSecretBytes), nil)
	}
	return secret, nil
}

// makeSecretUnlessThere writes the file completely under another name and then links it: a process that finds it
// finds all of it.
func makeSecretUnlessThere(path string) (err error) {
	var suffix [8]byte
	_, _ = rand.Read(suffix[:])
	beside := path + "." + hex.EncodeToString(suffix[:])
	file, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL|openCarefully, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(beside) }()
	err = fillSecret(file)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = transport.Link(beside, path)
		if transport.LacksLinks(err) {
			err = renameSecretUnlessThere(beside, path)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

const (
	// holdSuffix is what a file's hold has after its own name.
	holdSuffix   = ".hold"
	maxHoldPause = 20 * time.Millisecond
)

// renameSecretUnlessThere does the same where there are no hard links.
func renameSecretUnlessThere(beside, path string) error {
	for {
		outcome, err := transport.RenameUnlessHeld(transport.Renamed{
			From: beside, To: path, Hold: beside + holdSuffix,
			Holds: func() (holds []string) {
				entries, _ := os.ReadDir(filepath.Dir(path))
				for _, entry := range entries {
					if name := entry.Name(); strings.HasPrefix(name, filepath.Base(path)+".") && strings.HasSuffix(name, holdSuffix) {
						holds = append(holds, filepath.Join(filepath.Dir(path), name))
					}
				}
				return holds
			},
			MayReplace: func() bool {
				_, err := os.Lstat(path)
				return errors.Is(err, fs.ErrNotExist)
			},
		})
		if err != nil || outcome != transport.RenameHeld {
			return err
		}
		time.Sleep(mathrand.N(maxHoldPause))
	}
}

func fillSecret(file *os.File) error {
	var secret [freshSecretBytes]byte
	_, _ = rand.Read(secret[:])
	defer clear(secret[:])
	// The umask may have removed even the owner's permissions.
	if err := file.Chmod(0o600); err != nil && !chmodMayFail {
		return err
	}
	if _, err := file.Write(secret[:]); err != nil {
		return err
	}
	// Otherwise the file could exist and be empty after a power cut.
	return file.Sync()
}
