//go:build unix

package transport

import (
	"os"
	"slices"
	"strings"
)

// IsListedAsListening reports whether, by the kernel's own table, some process has a listening socket that was bound
// at path; the socket itself is not touched. False does not mean that there is none: a socket that was bound
// elsewhere and linked to path is listed under its first path, and one in another network namespace is not listed.
// Platform: Linux. Elsewhere there is no such table and the result is false.
func IsListedAsListening(path string) bool { return isListed(path, "/proc/net/unix") }

func isListed(path, table string) bool {
	return slices.ContainsFunc(listeningSockets(table), func(socket listedSocket) bool { return socket.path == path })
}

type listedSocket struct{ inode, path string }

// listeningSockets are those of the kernel's table that were bound at a path; none if there is no table.
func listeningSockets(table string) (sockets []listedSocket) {
	content, err := os.ReadFile(table)
	if err != nil {
		return nil
	}
	for _, line := range strings.Split(string(content), "\n") {
		fields := strings.SplitN(strings.Join(strings.Fields(line), " "), " ", 8)
		// The kernel's state of a stream socket that is not connected: it listens, or is just about to.
		if len(fields) == 8 && fields[5] == "01" {
			sockets = append(sockets, listedSocket{inode: fields[6], path: fields[7]})
		}
	}
	return sockets
}
