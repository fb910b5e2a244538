package sidecar

import (
	"os"
	"syscall"
)

const terminates = syscall.SIGTERM

func outliveReaders() {}

func killGroup(int) {}

func killSelf() { os.Exit(1) }

func makePrivate(string) error { return nil }
