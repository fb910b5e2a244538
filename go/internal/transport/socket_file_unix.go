//go:build unix

package transport

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"sealpipe/internal/fault"
)

// maxClaimRounds: a round fails only if another process wins it; that many in a row are no accident.
const maxClaimRounds = 16

// boundSocket is a listening socket, and the identity of its file.
type boundSocket struct {
	listener *net.UnixListener
	identity fileIdentity
}

// bindSocket binds the socket out of sight, in a directory that nobody else can enter, and then links it to its
// address in one step with its final mode: the process's umask does not matter, and the mode is wrong at no moment.
func bindSocket(address Address, options *ListenOptions, isAlive func(Address) bool) (boundSocket, error) {
	address, release, err := holdDirectory(address)
	if err != nil {
		return boundSocket{}, asListenFailed(address, err)
	}
	defer release()
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

// claimAddress links the bound socket to its address. A link never replaces what is there, so of any number of
// servers one wins. A socket of this user that is certainly dead is removed first.
func claimAddress(address Address, staging stagingDirectory, mode os.FileMode, isAlive func(Address) bool) (fileIdentity, error) {
	if err := os.Chmod(staging.socketPath, mode); err != nil {
		return fileIdentity{}, err
	}
	ours, err := identify(staging.socketPath)
	if err != nil {
		return fileIdentity{}, err
	}
	for range maxClaimRounds {
		err := Link(staging.socketPath, address.Path)
		if err == nil {
			return ours, nil
		}
		if errors.Is(err, syscall.EEXIST) {
			err = removeIfDead(address, staging, isAlive)
		}
		if LacksLinks(err) {
			return ours, claimByRename(address, staging, isAlive)
		}
		if err != nil {
			return fileIdentity{}, err
		}
	}
	return fileIdentity{}, addressInUse(address, "other servers keep taking it")
}

// claimByRename does the same where there are no hard links. A foreign program that takes the address in the same instant loses
// it.
func claimByRename(address Address, staging stagingDirectory, isAlive func(Address) bool) error {
	for giveUpAt := time.Now().Add(holdPatience); time.Now().Before(giveUpAt); {
		dead, err := findDead(address, isAlive)
		if err != nil {
			return err
		}
		outcome, err := RenameUnlessHeld(Renamed{
			From: staging.socketPath, To: address.Path, Hold: staging.renameHold(address),
			Holds: func() []string { return renameHoldsAt(address) },
			MayReplace: func() bool {
				_, err := os.Lstat(address.Path)
				return os.IsNotExist(err) || (dead != nil && dead.isAt(address.Path))
			},
		})
		if err != nil || outcome == RenameDone {
			return err
		}
		if outcome == RenameHeld {
			time.Sleep(rand.N(maxHoldPause))
		}
	}
	return addressInUse(address, "other servers are starting there")
}

// renameHoldsAt are those of each server of this user that is being started at the address, or beside it.
func renameHoldsAt(address Address) (holds []string) {
	found, _ := findStagings(filepath.Dir(address.Path))
	for _, staging := range found {
		holds = append(holds, staging.renameHold(address))
	}
	return holds
}

func removeIfDead(address Address, staging stagingDirectory, isAlive func(Address) bool) error {
	dead, err := findDead(address, isAlive)
	if dead == nil || err != nil {
		return err
	}
	return removeDeadSocket(address, *dead, staging.holdPath)
}

// findDead is the dead socket at the address; nil if there is nothing.
func findDead(address Address, isAlive func(Address) bool) (*fileIdentity, error) {
	var status syscall.Stat_t
	if err := syscall.Lstat(address.Path, &status); err == syscall.ENOENT {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if !isSocket(&status) {
		return nil, addressInUse(address, "what is there is not a socket")
	}
	if status.Uid != OwnUID() {
		return nil, addressInUse(address, "the socket there belongs to the user "+strconv.FormatUint(uint64(status.Uid), 10))
	}
	if isAlive(address) {
		why := "a server is alive there"
		if holder := linuxProcesses.holderOf(address.Path); holder != "" {
			why += ", " + holder
		}
		return nil, addressInUse(address, why)
	}
	// Its server was killed, so others may have been killed before they had got that far.
	removeAbandonedStagings(filepath.Dir(address.Path))
	identity := identityOf(&status)
	return &identity, nil
}

// removeFromAddress removes our socket if it is still there. It is an error if by now another user can change the
// path, and so what would be removed.
func removeFromAddress(address Address, identity fileIdentity) error {
	address, release, err := holdIfThere(address, processDescriptors)
	if err == syscall.ENOENT {
		return nil
	} else if err != nil {
		return err
	}
	defer release()
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
