//go:build unix

package transport

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"sealpipe/internal/fault"
)

// stagingDirectory lies beside the address, and only this user can enter it: the socket is bound there before it is shown.
type stagingDirectory struct {
	path string
	// socketPath begins with the server's name, as far as it fits, since this path is what the system shows of the socket
	// (ss -xlp, lsof -U), and ends as the directory is named. Empty in one that was found.
	socketPath string
	// holdPath is for a link to a dead socket that is about to be removed.
	holdPath string
	// changedAt is when something was last put there or taken away, of one that was found.
	changedAt time.Time
}

const (
	stagingPrefix = ".sp-"
	stagingHold   = "d"
	// renameHoldPrefix is before the name of the socket's place.
	renameHoldPrefix  = "c-"
	stagingCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	// stagingBytes is what it adds to the directory: twice a slash, the prefix and six random characters.
	stagingBytes = 2 * (1 + len(stagingPrefix) + 6)
	// stagingAbandonedAfter is far longer than a start takes.
	stagingAbandonedAfter = time.Minute
)

var stagingName = regexp.MustCompile(`^\.sp-[A-Za-z0-9]{6}$`)

func stagingAt(path string) stagingDirectory {
	return stagingDirectory{path: path, holdPath: filepath.Join(path, stagingHold)}
}

// makeStagingDirectory makes a new one. Nobody else may be able to change the way to it, see checkDirectoryOwn.
func makeStagingDirectory(address Address) (stagingDirectory, error) {
	directory := filepath.Dir(address.Path)
	length := len(directory)
	if directory == "/" {
		length = 0
	}
	roomBytes := maxSocketPathBytes() - stagingBytes - length
	if roomBytes < 0 {
		return stagingDirectory{}, fault.New(fault.AddressTooLong,
			"the directory %s has %d bytes; %d is the max with which a server can listen on this platform, as its socket is bound %d bytes deeper before it is shown",
			directory, length, length+roomBytes, stagingBytes)
	}
	// A name is ASCII.
	shown := strings.TrimSuffix(filepath.Base(address.Path), ".sock")
	shown = shown[:min(len(shown), roomBytes)]
	for {
		path := filepath.Join(directory, stagingPrefix+randomName())
		err := os.Mkdir(path, 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			// The umask may have taken too much.
			err = os.Chmod(path, 0o700)
		}
		staging := stagingAt(path)
		staging.socketPath = filepath.Join(path, shown+filepath.Base(path))
		return staging, err
	}
}

func randomName() string {
	var random [6]byte
	_, _ = rand.Read(random[:])
	for index, value := range random {
		random[index] = stagingCharacters[int(value)%len(stagingCharacters)]
	}
	return string(random[:])
}

// renameHold exists while the socket is renamed to the address, where there are no hard links.
func (s stagingDirectory) renameHold(address Address) string {
	return filepath.Join(s.path, renameHoldPrefix+filepath.Base(address.Path))
}

// remove removes it with the sockets that a server has put there. Whatever else lies in it stays, and keeps it.
func (s stagingDirectory) remove() {
	entries, _ := os.ReadDir(s.path)
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, renameHoldPrefix) {
			_ = syscall.Rmdir(filepath.Join(s.path, name))
		}
		if name != stagingHold && !strings.HasSuffix(name, filepath.Base(s.path)) {
			continue
		}
		var status syscall.Stat_t
		path := filepath.Join(s.path, name)
		if syscall.Lstat(path, &status) == nil && isSocket(&status) {
			_ = syscall.Unlink(path)
		}
	}
	// One that is left is empty and harms nobody.
	_ = syscall.Rmdir(s.path)
}

// findStagings are the staging directories of this user that lie in directory. Other users' hold nothing that is ours.
func findStagings(directory string) (found []stagingDirectory, err error) {
	entries, err := os.ReadDir(directory)
	for _, entry := range entries {
		path := filepath.Join(directory, entry.Name())
		var status syscall.Stat_t
		if !stagingName.MatchString(entry.Name()) || syscall.Lstat(path, &status) != nil {
			continue
		}
		if uint32(status.Mode)&syscall.S_IFMT != syscall.S_IFDIR || status.Uid != OwnUID() {
			continue
		}
		staging := stagingAt(path)
		staging.changedAt = changedAt(path)
		found = append(found, staging)
	}
	return found, err
}

func changedAt(path string) time.Time {
	info, err := os.Lstat(path)
	if err != nil {
		return time.Now()
	}
	return info.ModTime()
}

// removeAbandonedStagings removes what servers that were killed while they started have left, as far as that can be seen.
func removeAbandonedStagings(directory string) {
	found, _ := findStagings(directory)
	for _, staging := range found {
		if time.Since(staging.changedAt) > stagingAbandonedAfter {
			staging.remove()
		}
	}
}
