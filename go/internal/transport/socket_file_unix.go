//go:build unix

package transport

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"sealpipe/internal/fault"
)

// maxClaimRounds: each round loses to another process at most; this many in a row are no accident.
const maxClaimRounds = 16

// boundSocket listens, and which file it is at its address.
type boundSocket struct {
	listener *net.UnixListener
	identity fileIdentity
}

// bindSocket binds the socket out of sight, in a directory that no one else can enter, and shows it at its address in one
// step with its final mode: the process's umask has no say and there is no moment at which the mode is wrong.
func bindSocket(address Address, options *ListenOptions, isAlive func(Address) bool) (boundSocket, error) {
	if err := checkDirectoryOwn(address); err != nil {
		return boundSocket{}, asListenFailed(address, err)
	}
	staging, err := makeStagingDirectory(address)
	if err != nil {
		return boundSocket{}, asListenFailed(address, err)
	}
	defer staging.remove()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: staging.socketPath, Net: "unix"})
	if err != nil {
		return boundSocket{}, asListenFailed(address, err)
	}
	listener.SetUnlinkOnClose(false)
	mode := os.FileMode(0o600)
	if options.OpenToAllUsers {
		mode = 0o777
	}
	identity, err := claimAddress(address, staging, mode, isAlive)
	if err != nil {
		_ = listener.Close()
		return boundSocket{}, asListenFailed(address, err)
	}
	return boundSocket{listener, identity}, nil
}

func asListenFailed(address Address, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	return listenFailed(address, err)
}

// claimAddress shows the bound socket at its address. A link never replaces what is there, so of any number of servers one
// wins. A socket of ours that is certainly dead is removed first.
func claimAddress(address Address, staging stagingDirectory, mode os.FileMode, isAlive func(Address) bool) (fileIdentity, error) {
	if err := os.Chmod(staging.socketPath, mode); err != nil {
		return fileIdentity{}, err
	}
	ours, err := identify(staging.socketPath)
	if err != nil {
		return fileIdentity{}, err
	}
	for range maxClaimRounds {
		err := syscall.Link(staging.socketPath, address.Path)
		if err == nil {
			return ours, nil
		}
		if err != syscall.EEXIST {
			return fileIdentity{}, err
		}
		if err := removeIfDead(address, staging, isAlive); err != nil {
			return fileIdentity{}, err
		}
	}
	return fileIdentity{}, addressInUse(address, "other servers keep taking it")
}

func removeIfDead(address Address, staging stagingDirectory, isAlive func(Address) bool) error {
	var status syscall.Stat_t
	if err := syscall.Lstat(address.Path, &status); err == syscall.ENOENT {
		return nil
	} else if err != nil {
		return err
	}
	if !isSocket(&status) {
		return addressInUse(address, "what lies there is no socket")
	}
	if status.Uid != OwnUID() {
		return addressInUse(address, "the socket there belongs to the user "+strconv.FormatUint(uint64(status.Uid), 10))
	}
	if isAlive(address) {
		return addressInUse(address, "a server is alive there")
	}
	// Its server was killed, so others may have been that had not come as far.
	removeAbandonedStagings(filepath.Dir(address.Path))
	return removeDeadSocket(address, identityOf(&status), staging.holdPath)
}

// removeFromAddress removes our socket if it still lies there. It is an error if another user can change the way there by now,
// and so what is removed.
func removeFromAddress(address Address, identity fileIdentity) error {
	if !identity.isAt(address.Path) {
		return nil
	}
	if err := checkDirectoryOwn(address); err != nil {
		return err
	}
	if err := syscall.Unlink(address.Path); err != nil && err != syscall.ENOENT {
		return err
	}
	return nil
}
