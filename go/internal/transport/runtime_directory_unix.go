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

// perUserDirectories is where systemd makes one for each user.
const perUserDirectories = "/run/user"

// findRuntimeDirectory is the directory that the system gives each user for sockets and the like: nobody else can enter it.
// Platform: XDG_RUNTIME_DIR on Linux and the BSDs, fit as the XDG base directory specification demands. On Linux, if that is
// not set, /run/user/UID: a service, cron job or su often lacks the variable, and finds the same directory as a program of the
// user's that has it. TMPDIR on macOS.
func findRuntimeDirectory() (string, error) { return runtimeDirectory(perUserDirectories) }

func runtimeDirectory(perUser string) (string, error) {
	variable := "XDG_RUNTIME_DIR"
	if runtime.GOOS == "darwin" {
		variable = "TMPDIR"
	}
	path := os.Getenv(variable)
	if path != "" {
		if objection := objectionToRuntime(path); objection != "" {
			return "", noRuntimeDirectory(variable + " " + objection)
		}
		return path, nil
	}
	if runtime.GOOS != "linux" {
		return "", noRuntimeDirectory(variable + " is not set")
	}
	usual := fmt.Sprintf("%s/%d", perUser, OwnUID())
	if objection := objectionToRuntime(usual); objection != "" {
		return "", noRuntimeDirectory(fmt.Sprintf("%s is not set, and %s %s", variable, usual, objection))
	}
	return usual, nil
}

func noRuntimeDirectory(reason string) error {
	return fault.New(fault.NoRuntimeDirectory, "this user has no runtime directory: %s. Log in through the system (systemd: `loginctl enable-linger` for a user without a session), or give both ends the same Directory, one of mode 0700 that this user owns", reason)
}

func objectionToRuntime(path string) string {
	if !strings.HasPrefix(path, "/") {
		return "is not an absolute path: " + path
	}
	var status syscall.Stat_t
	if err := syscall.Stat(path, &status); err != nil {
		return fmt.Sprintf("cannot be used: %v", err)
	}
	mode := uint32(status.Mode)
	switch {
	case mode&syscall.S_IFMT != syscall.S_IFDIR:
		return "is not a directory: " + path
	case status.Uid != OwnUID():
		return fmt.Sprintf("belongs to the user %d, not to %d: %s", status.Uid, OwnUID(), path)
	case mode&0o777 != 0o700:
		return fmt.Sprintf("has the mode 0%o instead of 0700: %s", mode&0o777, path)
	}
	return ""
}
