package transport

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// How a file comes to its place where there are no hard links, as on Termux, and on some FUSE and network file systems. A link
// never replaces what is there; a rename does. So whoever renames holds the place first.

// Link makes a hard link. Tests have it fail.
var Link = os.Link

// renameAbandonedAfter: holding a place takes less than a millisecond.
const renameAbandonedAfter = 5 * time.Second

// Renamed is a file that is to come to a place, and how others that have one for it are told.
type Renamed struct {
	From, To string
	// Hold is a directory, of a name that is never used again, which exists while the place is held.
	Hold string
	// Holds are the same of all who might hold it, this one included.
	Holds func() []string
	// MayReplace says whether what is there now, if anything, may go.
	MayReplace func() bool
}

// RenameOutcome is what became of a rename.
type RenameOutcome int

const (
	// RenameDone: the file is in its place.
	RenameDone RenameOutcome = iota
	// RenameTaken: something is there that may not go.
	RenameTaken
	// RenameHeld: another holds the place.
	RenameHeld
)

// LacksLinks is whether an error says that there are no hard links, or none for this process.
func LacksLinks(err error) bool {
	for _, refused := range []error{syscall.EPERM, syscall.EACCES, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOSYS} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return false
}

// RenameUnlessHeld renames the file: of any two that hold its place the later one sees the earlier one's hold, and what has come
// to the place by the time the other's hold is gone.
func RenameUnlessHeld(r Renamed) (RenameOutcome, error) {
	if err := os.Mkdir(r.Hold, 0o700); err != nil {
		return RenameHeld, err
	}
	defer func() { _ = syscall.Rmdir(r.Hold) }()
	held := false
	for _, other := range r.Holds() {
		// All of them: whoever finds one abandoned removes it.
		held = (other != r.Hold && isHeld(other)) || held
	}
	switch {
	case held:
		return RenameHeld, nil
	case !r.MayReplace():
		return RenameTaken, nil
	}
	return RenameDone, os.Rename(r.From, r.To)
}

func isHeld(hold string) bool {
	status, err := os.Lstat(hold)
	if err != nil {
		return false
	}
	if time.Since(status.ModTime()) <= renameAbandonedAfter {
		return true
	}
	_ = syscall.Rmdir(hold)
	return false
}
