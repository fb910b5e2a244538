//go:build unix

package transport

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// holdAbandonedAfter: holding a dead socket takes less than a millisecond.
	holdAbandonedAfter = 5 * time.Second
	holdPatience       = 10 * time.Second
	maxHoldPause       = 20 * time.Millisecond
)

// removeDeadSocket removes a dead socket from its address, unless it has gone. Servers that start at the same instant
// may all have found it, and the slower ones must not remove what the fastest has put in its place. So a server first
// holds the socket by one more link to it: a server that makes such a link and then sees no other server's holds the
// socket, because of any two the later one sees the earlier one's. These links are in the servers' staging
// directories, so no other user can make one, nor prevent one. A link that a killed process has left counts as
// abandoned after a while.
func removeDeadSocket(address Address, identity fileIdentity, holdPath string) error {
	for giveUpAt := time.Now().Add(holdPatience); ; {
		removed, err := removeUnlessHeld(address, identity, holdPath)
		if removed || err != nil {
			return err
		}
		if time.Now().After(giveUpAt) {
			return addressInUse(address, "other servers are starting there")
		}
		time.Sleep(rand.N(maxHoldPause))
	}
}

// removeUnlessHeld is false if another server holds it.
func removeUnlessHeld(address Address, identity fileIdentity, holdPath string) (bool, error) {
	if err := Link(address.Path, holdPath); err != nil {
		if errors.Is(err, syscall.ENOENT) {
			return true, nil
		}
		return false, err
	}
	defer func() { _ = syscall.Unlink(holdPath) }()
	if !identity.isAt(holdPath) {
		return true, nil
	}
	if held, err := isHeldByAnother(address, identity, holdPath); held || err != nil {
		return false, err
	}
	if !identity.isAt(address.Path) {
		return true, nil
	}
	return true, syscall.Unlink(address.Path)
}

func isHeldByAnother(address Address, identity fileIdentity, holdPath string) (bool, error) {
	var status syscall.Stat_t
	if err := syscall.Lstat(holdPath, &status); err != nil {
		return false, err
	}
	// There is no link besides its address and this hold.
	if status.Nlink == 2 {
		return false, nil
	}
	stagings, err := findStagings(filepath.Dir(address.Path))
	if err != nil {
		return false, err
	}
	for _, staging := range stagings {
		if staging.holdPath == holdPath || !identity.isAt(staging.holdPath) {
			continue
		}
		if time.Since(staging.changedAt) <= holdAbandonedAfter {
			return true, nil
		}
		// Its name is never used again, so another server that found it cannot remove a new one.
		staging.remove()
	}
	return false, nil
}
