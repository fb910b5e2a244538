//go:build unix

package transport

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"sealpipe/internal/fault"
)

// maxLinks: Linux follows at most this many symbolic links in one path.
const maxLinks = 40

const (
	writableByGroup  = 0o020
	writableByOthers = 0o002
)

// mendDirectory is what can be done about a directory that many can write to. Trust does not help with that.
const mendDirectory = ": set that bit (chmod +t), or give both ends the option PrivateDirectory, or a Directory that only its user can write to"

// OwnUID is the user that owns the files this process creates.
func OwnUID() uint32 { return uint32(os.Geteuid()) }

// checkAddressTrusted is an error unless only trusted users own what is at the address or can replace it.
func checkAddressTrusted(address Address) error {
	objection, err := objectionFrom(address.held, address.Path, address.Trust)
	if err != nil {
		return connectFailed(address, err)
	}
	if objection != "" {
		return untrusted(address, objection)
	}
	return nil
}

// checkDirectoryOwn is an error unless only this user and root can change the path to the address's directory,
// whomever the address trusts: a server creates, opens to others and removes files there by their paths.
func checkDirectoryOwn(address Address) error {
	objection, err := objectionFrom(address.held, filepath.Dir(address.Path), Trust{})
	if err != nil {
		return err
	}
	if objection != "" {
		return untrusted(address, objection+"; others could replace what a server puts there")
	}
	return nil
}

func untrusted(address Address, objection string) error {
	return fault.New(fault.AddressUntrusted, "the address %s is not safe: %s", address.shownPath(), objection)
}

// ObjectionToWay checks every step to end: a user that can write to a directory, or owns a symbolic link, decides
// where the path leads from there. It returns what is wrong with the first step that an untrusted user owns or can
// change.
func ObjectionToWay(end string, trust Trust) (string, error) {
	return objectionFrom("", end, trust)
}

// objectionFrom trusts the directory from, unless it is empty, and what leads there.
func objectionFrom(from, end string, trust Trust) (string, error) {
	if trust.Anyone {
		return "", nil
	}
	at, links := from, 0
	rest := steps(strings.TrimPrefix(end, from))
	if from == "" {
		at, rest = "/", append([]string{""}, rest...)
	}
	for len(rest) > 0 {
		here := filepath.Join(at, rest[0])
		rest = rest[1:]
		var status syscall.Stat_t
		if err := syscall.Lstat(here, &status); err != nil {
			return "", &os.PathError{Op: "lstat", Path: here, Err: err}
		}
		if objection := objectionTo(&status, trust); objection != "" {
			return here + " " + objection, nil
		}
		if uint32(status.Mode)&syscall.S_IFMT != syscall.S_IFLNK {
			at = here
			continue
		}
		if links++; links > maxLinks {
			return here + " leads through too many symbolic links", nil
		}
		target, err := os.Readlink(here)
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(target, "/") {
			at = "/"
		}
		rest = append(steps(target), rest...)
	}
	return "", nil
}

func steps(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(name string) bool { return name == "" })
}

func (t Trust) includes(user uint32) bool {
	return t.Anyone || user == 0 || user == OwnUID() || slices.Contains(t.Users, user)
}

func objectionTo(status *syscall.Stat_t, trust Trust) string {
	mode := uint32(status.Mode)
	if !trust.includes(status.Uid) {
		return fmt.Sprintf("belongs to the user %d; give both ends a Directory of this user or, if that user may own the address, name it in the client's option Trust", status.Uid)
	}
	// With the sticky bit, users that can write to the directory can remove and rename only their own files.
	if mode&syscall.S_IFMT != syscall.S_IFDIR || mode&syscall.S_ISVTX != 0 {
		return ""
	}
	if mode&writableByOthers != 0 {
		return "is a directory that others can write to, without the sticky bit" + mendDirectory
	}
	if mode&writableByGroup == 0 || isPrivateGroup(status.Uid, status.Gid, "/etc/passwd", "/etc/group") {
		return ""
	}
	return fmt.Sprintf("is a directory that its group (%d) can write to, without the sticky bit", status.Gid) + mendDirectory
}

// isPrivateGroup reports whether the group is its user's own: many Linux distributions create a group for each user,
// with the same number, and let the user's files be writable for it. False if that cannot be determined.
func isPrivateGroup(uid, gid uint32, passwd, group string) bool {
	// On some systems root's group has members that are not listed.
	if gid != uid || gid == 0 {
		return false
	}
	number := fmt.Sprint(gid)
	groups, users := 0, 0
	for _, entry := range readEntries(group) {
		if len(entry) > 2 && entry[2] == number {
			if len(entry) < 4 || strings.TrimSpace(entry[3]) != "" {
				return false
			}
			groups++
		}
	}
	for _, entry := range readEntries(passwd) {
		if len(entry) > 3 && entry[3] == number {
			if entry[2] != number {
				return false
			}
			users++
		}
	}
	return groups > 0 && users > 0
}

func readEntries(path string) (entries [][]string) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	for _, line := range strings.Split(string(content), "\n") {
		entries = append(entries, strings.Split(line, ":"))
	}
	return entries
}
