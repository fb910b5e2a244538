//go:build unix

package transport

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"sealpipe/internal/fault"
)

// A private directory is for a place in which anybody can rename and remove what is there. There a path says nothing: what it
// leads to may change between a look and the next step. So a private directory is opened, examined, and reached by its
// descriptor.

const (
	ownerRights  = 0o700
	othersRights = 0o077
	// maxMakeRounds: a round fails only if somebody removes the directory meanwhile; that many in a row are no accident.
	maxMakeRounds = 16
	// processDescriptors is where Linux has the descriptors of a process as paths.
	processDescriptors = "/proc/self/fd"
)

// holdDirectory is the address with a path that leads through the descriptor of its directory, if that is a private one: what is
// done at that path until release is called is done in that directory, whatever others rename meanwhile. It makes the directory
// unless it is there; both ends do.
//
// Platform: a system without /proc/self/fd cannot reach a file by the descriptor of its directory. There every step of the path
// is checked, as for an address that is in no private directory.
func holdDirectory(address Address) (held Address, release func(), err error) {
	for range maxMakeRounds {
		held, release, err = holdIfThere(address, processDescriptors)
		if err != syscall.ENOENT {
			return held, release, err
		}
		path := filepath.Dir(address.Path)
		if err = syscall.Mkdir(path, ownerRights); err != nil && err != syscall.EEXIST {
			return address, nil, &os.PathError{Op: "mkdir", Path: path, Err: err}
		}
	}
	return address, nil, refused(address, "is removed again and again")
}

// holdIfThere is the same, and ENOENT if there is none.
func holdIfThere(address Address, descriptors string) (held Address, release func(), err error) {
	if !address.private {
		return address, func() {}, nil
	}
	descriptor, err := openPrivate(address)
	if err != nil {
		return address, nil, err
	}
	held, err = throughDescriptor(address, descriptor, descriptors)
	if err != nil || held.held == "" {
		_ = syscall.Close(descriptor)
		return held, func() {}, err
	}
	return held, func() { _ = syscall.Close(descriptor) }, nil
}

func openPrivate(address Address) (int, error) {
	path := filepath.Dir(address.Path)
	descriptor, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err == nil || err == syscall.ENOENT {
		return descriptor, err
	}
	// Something else that is there says so by one of several codes.
	var status syscall.Stat_t
	if syscall.Lstat(path, &status) == nil {
		if objection := objectionToPrivate(&status); objection != "" {
			return 0, refused(address, objection)
		}
	}
	return 0, &os.PathError{Op: "open", Path: path, Err: err}
}

func throughDescriptor(address Address, descriptor int, descriptors string) (Address, error) {
	var status syscall.Stat_t
	if err := syscall.Fstat(descriptor, &status); err != nil {
		return address, err
	}
	if objection := objectionToPrivate(&status); objection != "" {
		return address, refused(address, objection)
	}
	if uint32(status.Mode)&ownerRights != ownerRights {
		if err := syscall.Fchmod(descriptor, ownerRights); err != nil {
			return address, err
		}
	}
	address.private = false
	held := fmt.Sprintf("%s/%d", descriptors, descriptor)
	if !identityOf(&status).isAt(held + "/.") {
		return address, nil
	}
	address.held, address.shown = held, address.Path
	address.Path = filepath.Join(held, filepath.Base(address.Path))
	return address, nil
}

func objectionToPrivate(status *syscall.Stat_t) string {
	mode := uint32(status.Mode)
	switch {
	case status.Uid != OwnUID():
		return fmt.Sprintf("belongs to the user %d, not to %d", status.Uid, OwnUID())
	case mode&syscall.S_IFMT == syscall.S_IFLNK:
		return "is a symbolic link"
	case mode&syscall.S_IFMT != syscall.S_IFDIR:
		return "is not a directory"
	case mode&othersRights != 0:
		return fmt.Sprintf("is open to others: its mode is 0%o and must be 0700", mode&0o777)
	}
	return ""
}

func refused(address Address, objection string) error {
	return fault.New(fault.AddressUntrusted, "the address %s is not safe: the private directory %s %s; somebody else may have taken its place: remove it, or give both ends another Directory", address.shownPath(), filepath.Dir(address.Path), objection)
}
