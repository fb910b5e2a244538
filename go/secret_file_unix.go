//go:build unix

package sealpipe

import (
	"fmt"
	"io/fs"
	"syscall"

	"sealpipe/internal/transport"
)

// openCarefully does not wait for the writer of a pipe that somebody put there, and does not follow a link.
const openCarefully = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

const chmodMayFail = false

func objectionToSecretFile(status fs.FileInfo) string {
	if !status.Mode().IsRegular() {
		return "is no file"
	}
	owner := status.Sys().(*syscall.Stat_t).Uid
	if owner != 0 && owner != transport.OwnUID() {
		return fmt.Sprintf("belongs to the user %d", owner)
	}
	if mode := status.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Sprintf("is open to others: its mode is %#o and must be 0600", mode)
	}
	return ""
}
