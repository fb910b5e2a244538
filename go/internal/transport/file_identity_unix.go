//go:build unix

package transport

import "syscall"

// fileIdentity is which file it is, whatever it is called.
type fileIdentity struct{ device, inode uint64 }

func identityOf(status *syscall.Stat_t) fileIdentity {
	return fileIdentity{uint64(status.Dev), uint64(status.Ino)}
}

// identify is which file is at path; none is the zero value.
func identify(path string) (fileIdentity, error) {
	var status syscall.Stat_t
	err := syscall.Lstat(path, &status)
	if err == syscall.ENOENT {
		return fileIdentity{}, nil
	}
	return identityOf(&status), err
}

// isAt reports whether it lies at that path.
func (f fileIdentity) isAt(path string) bool {
	found, err := identify(path)
	return err == nil && found == f
}

func isSocket(status *syscall.Stat_t) bool {
	return uint32(status.Mode)&syscall.S_IFMT == syscall.S_IFSOCK
}
