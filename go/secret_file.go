package sealpipe

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"sealpipe/internal/fault"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

const (
	freshSecretBytes = 32
	// maxSecretRounds: each round loses to somebody who removes the file; this many in a row are no accident.
	maxSecretRounds = 4
)

// readSecretFile is the secret in the file. If there is none it is made, of random bytes: of any number of processes that do
// so at once one wins, and all get what that one has made.
//
// Nobody but this user and root may be able to change the way there, or another user could choose the file. Whose it is and
// who may read it is looked at on the open file.
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

// makeSecretUnlessThere writes it whole beside its place and then shows it there: whoever finds the file finds all of it.
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
		err = os.Link(beside, path)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func fillSecret(file *os.File) error {
	var secret [freshSecretBytes]byte
	_, _ = rand.Read(secret[:])
	defer clear(secret[:])
	// The umask may have taken even the owner's rights.
	if err := file.Chmod(0o600); err != nil && !chmodMayFail {
		return err
	}
	if _, err := file.Write(secret[:]); err != nil {
		return err
	}
	// Or it could be there and empty after a power cut.
	return file.Sync()
}
