// Package ipc takes the place of github.com/james-barrow/golang-ipc v1.2.4: the import path changes, and nothing else in a
// program has to. It has the same functions, types, statuses, messages of type -1, error texts and defaults, and speaks with
// golang-ipc's own programs. With sealpipe at both ends it speaks sealpipe's own wire.
//
// What is better than in golang-ipc: a server takes several clients at a time, and Message.Conn is the one that sent a message;
// a write does not sleep for 2 ms; a client that fails its handshake, or only looks whether the server is alive, does not stop
// the server; after the last error Read blocks, where golang-ipc's returns the same error again and again; no goroutine or
// handle leaks.
//
// What differs on purpose:
//
//   - StartServer does not take the address of a server that is alive, nor remove what is no socket; it fails then.
//   - The socket is open to this user alone, or to all with UnmaskPermissions, whatever the umask.
//   - StartClient does not connect to a socket of another user but root, nor in a directory that others can change.
//   - A name stays within its directory: one with a slash is refused.
//   - A client's failed handshake is a message of type -1 with Err at the server, not an error of Read.
//   - Server.Write goes to the client that was heard last; Broadcast is to all.
//   - With several clients the server's status is Connected while one is connected.
//   - Close waits until what was written has left, for some seconds at most.
//   - A client tries again sooner at first, and at the latest after RetryTimer.
package ipc
