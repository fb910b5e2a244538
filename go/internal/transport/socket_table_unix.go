//go:build unix

package transport

import (
	"os"
	"strings"
)

// IsListedAsListening reports whether some process has a socket for listening that was bound at path, as the kernel's own
// table tells, without touching the socket. False does not say that none has: one that was bound elsewhere and linked to path
// is listed under its first path, and a process in another network namespace is not listed.
//
// Platform: Linux. Elsewhere there is no such table and the answer is false.
func IsListedAsListening(path string) bool { return isListed(path, "/proc/net/unix") }

func isListed(path, table string) bool {
	content, err := os.ReadFile(table)
	if err != nil {
		return false
	}
	for _, line := range strings.Split(string(content), "\n") {
		fields := strings.SplitN(strings.Join(strings.Fields(line), " "), " ", 8)
		// The kernel's state of a stream socket that is not connected: it listens, or is just about to.
		if len(fields) == 8 && fields[7] == path && fields[5] == "01" {
			return true
		}
	}
	return false
}
