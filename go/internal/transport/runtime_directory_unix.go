//go:build unix

package transport

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"sealpipe/internal/fault"
)

// findRuntimeDirectory is the directory that the system gives each user for sockets and the like: nobody else can enter it.
// Platform: XDG_RUNTIME_DIR on Linux and the BSDs, fit as the XDG base directory specification demands; TMPDIR on macOS.
func findRuntimeDirectory() (string, error) {
	variable := "XDG_RUNTIME_DIR"
	if runtime.GOOS == "darwin" {
		variable = "TMPDIR"
	}
	path := os.Getenv(variable)
	if objection := objectionToRuntime(path); objection != "" {
		return "", fault.New(fault.NoRuntimeDirectory, "this user has no runtime directory: %s %s", variable, objection)
	}
	return path, nil
}

func objectionToRuntime(path string) string {
	if path == "" {
		return "is not set"
	}
	if !strings.HasPrefix(path, "/") {
		return "is no absolute path: " + path
	}
	var status syscall.Stat_t
	if err := syscall.Stat(path, &status); err != nil {
		return fmt.Sprintf("cannot be used: %v", err)
	}
	mode := uint32(status.Mode)
	switch {
	case mode&syscall.S_IFMT != syscall.S_IFDIR:
		return "is no directory: " + path
	case status.Uid != OwnUID():
		return fmt.Sprintf("belongs to the user %d, not to %d: %s", status.Uid, OwnUID(), path)
	case mode&0o777 != 0o700:
		return fmt.Sprintf("has the mode 0%o instead of 0700: %s", mode&0o777, path)
	}
	return ""
}
