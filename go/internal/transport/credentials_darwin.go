package transport

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerUser is as which user the process at the other end connected or began to listen.
func peerUser(conn *net.UnixConn) (user uint32, known bool, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, false, err
	}
	var credentials *unix.Xucred
	var failure error
	err = raw.Control(func(descriptor uintptr) {
		credentials, failure = unix.GetsockoptXucred(int(descriptor), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	})
	if err == nil {
		err = failure
	}
	if err != nil {
		return 0, false, err
	}
	return credentials.Uid, true, nil
}
