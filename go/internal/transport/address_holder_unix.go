//go:build unix

package transport

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// processTable is where the system lists sockets and processes.
type processTable struct {
	sockets, processes string
	// patience is how long to look: there may be any number of processes, with any number of descriptors.
	patience time.Duration
}

var linuxProcesses = processTable{sockets: "/proc/net/unix", processes: "/proc", patience: 500 * time.Millisecond}

// stagedPath is a socket that was staged: its directory, its staging directory, and what it shows of its server's name
// with that directory's name again.
var stagedPath = regexp.MustCompile(`^(.*)/(\.sp-[A-Za-z0-9]{6})/(.*)$`)

var heldDirectory = regexp.MustCompile(`^/proc/self/fd/\d+$`)

// fullPathBytes: staged paths that long may have had no room for the whole name.
const fullPathBytes = 100

// holderOf is which process listens at path, such as "the process 4711 (node)", or empty if that is not known: for people, and
// never more than a guess. Platform: Linux, for processes that this user may inspect.
func (t processTable) holderOf(path string) string {
	inode := t.inodeOf(path)
	if inode == "" {
		return ""
	}
	pid := t.processWith(inode)
	if pid == "" {
		return ""
	}
	return "the process " + pid + t.nameOf(pid)
}

// inodeOf is the inode of the socket, if only one fits.
func (t processTable) inodeOf(path string) (inode string) {
	for _, socket := range listeningSockets(t.sockets) {
		if socket.path != path && !wasStagedFor(socket.path, path) {
			continue
		}
		if inode != "" && inode != socket.inode {
			return ""
		}
		inode = socket.inode
	}
	return inode
}

// isSameDirectory: a private directory is named by a descriptor, which is another in each process.
func isSameDirectory(one, other string) bool {
	return one == other || heldDirectory.MatchString(one) && heldDirectory.MatchString(other)
}

func wasStagedFor(bound, path string) bool {
	parts := stagedPath.FindStringSubmatch(bound)
	if parts == nil || !isSameDirectory(parts[1], filepath.Dir(path)) {
		return false
	}
	shown, whole := strings.CutSuffix(parts[3], parts[2])
	name := strings.TrimSuffix(filepath.Base(path), ".sock")
	if !whole || shown != name && (len(bound) < fullPathBytes || !strings.HasPrefix(name, shown)) {
		return false
	}
	// A socket that is still staged belongs to a server that is starting, such as this one.
	_, err := os.Lstat(bound)
	return err != nil
}

func (t processTable) processWith(inode string) string {
	target, until := "socket:["+inode+"]", time.Now().Add(t.patience)
	// What cannot be read is another user's, or has ended meanwhile.
	entries, _ := os.ReadDir(t.processes)
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		descriptors := filepath.Join(t.processes, entry.Name(), "fd")
		open, _ := os.ReadDir(descriptors)
		for _, descriptor := range open {
			if time.Now().After(until) {
				return ""
			}
			if found, _ := os.Readlink(filepath.Join(descriptors, descriptor.Name())); found == target {
				return entry.Name()
			}
		}
	}
	return ""
}

func (t processTable) nameOf(pid string) string {
	name, _ := os.ReadFile(filepath.Join(t.processes, pid, "comm"))
	// A process may call itself anything.
	shown := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, strings.TrimSpace(string(name)))
	if shown == "" {
		return ""
	}
	return " (" + shown + ")"
}
