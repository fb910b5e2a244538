//go:build unix

package sidecar

import (
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"sealpipe"
)

const terminates = syscall.SIGTERM

// outliveReaders: a parent that has gone reads no output any more. That is not to end this process before it has drained; a write
// fails instead.
func outliveReaders() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// killGroup ends the process group if this process is in it: otherwise the number may be another group's by now.
func killGroup(group int) {
	if group != 0 && syscall.Getpgrp() == group {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
}

func killSelf() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) }

// makePrivate makes the channel's directory. One that this process's predecessor made will do.
func makePrivate(directory string) error {
	if err := os.Mkdir(directory, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return failure(sealpipe.ErrListenFailed, err, "the channel's directory could not be made")
	}
	found, err := os.Lstat(directory)
	if err == nil && found.Mode() == fs.ModeDir|0o700 {
		if owner, ok := found.Sys().(*syscall.Stat_t); ok && int(owner.Uid) == os.Getuid() {
			return nil
		}
	}
	return failure(sealpipe.ErrAddressUntrusted, err, "%s is not a directory of this user's alone", directory)
}
