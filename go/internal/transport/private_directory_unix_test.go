//go:build unix

package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sealpipe/internal/fault"
	"sealpipe/internal/vectors"
)

const otherUID = 65534

type privateDirectoryVector struct {
	Name, In, Outcome, Says, Mode string
	Found                         *struct{ Kind, Owner, Mode string }
}

func needRoot(t *testing.T) {
	t.Helper()
	if OwnUID() != 0 {
		t.Skip("these tests need another user, which only root can be")
	}
}

func octal(t *testing.T, digits string) uint32 {
	t.Helper()
	mode, err := strconv.ParseUint(digits, 8, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(mode)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// privateAddress is one in a new directory of that mode.
func privateAddress(t *testing.T, mode uint32) Address {
	t.Helper()
	directory := filepath.Join(t.TempDir(), "tmp")
	must(t, syscall.Mkdir(directory, 0o700))
	must(t, syscall.Chmod(directory, mode))
	address, err := Resolve("app", directory, Trust{})
	must(t, err)
	address, err = address.InPrivateDirectory()
	must(t, err)
	return address
}

func (v privateDirectoryVector) put(t *testing.T, path string) {
	t.Helper()
	if v.Found == nil {
		return
	}
	beside := filepath.Join(filepath.Dir(filepath.Dir(path)), "beside")
	switch v.Found.Kind {
	case "directory":
		must(t, syscall.Mkdir(path, 0o700))
	case "file":
		must(t, os.WriteFile(path, nil, 0o600))
	case "fifo":
		must(t, syscall.Mkfifo(path, 0o600))
	case "socket":
		listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		must(t, err)
		listener.SetUnlinkOnClose(false)
		must(t, listener.Close())
	case "link":
		must(t, syscall.Mkdir(beside, 0o700))
		must(t, os.Symlink(beside, path))
	case "dangling-link":
		must(t, os.Symlink(beside, path))
	default:
		t.Fatal(v.Found.Kind)
	}
	if !strings.HasSuffix(v.Found.Kind, "link") {
		must(t, syscall.Chmod(path, octal(t, v.Found.Mode)))
	}
	if v.Found.Owner == "other" {
		must(t, os.Lchown(path, otherUID, otherUID))
	}
}

func TestAPrivateDirectoryIsMadeUsedOrRefused(t *testing.T) {
	needRoot(t)
	for _, vector := range vectors.Load[privateDirectoryVector](t, "private-directory.json") {
		t.Run(vector.Name, func(t *testing.T) {
			address := privateAddress(t, octal(t, vector.In))
			path := filepath.Dir(address.Path)
			vector.put(t, path)
			if _, _, err := holdIfThere(address, processDescriptors); (err == syscall.ENOENT) != (vector.Outcome == "made") {
				t.Error(err)
			}
			_, release, err := holdDirectory(address)
			if vector.Outcome == "refused" {
				if !errors.Is(err, fault.AddressUntrusted) || !strings.Contains(err.Error(), "the private directory "+path+" "+vector.Says+";") {
					t.Error(err)
				}
				return
			}
			must(t, err)
			release()
			var status syscall.Stat_t
			must(t, syscall.Lstat(path, &status))
			if status.Uid != 0 || uint32(status.Mode)&0o777 != octal(t, vector.Mode) {
				t.Errorf("%o of %d", status.Mode, status.Uid)
			}
		})
	}
}

func TestAPrivateDirectoryIsNamedByTheUser(t *testing.T) {
	for directory, want := range map[string]string{
		"/tmp": "/tmp/sealpipe-1000/my-app.sock", "/tmp//": "/tmp/sealpipe-1000/my-app.sock", "/": "/sealpipe-1000/my-app.sock",
	} {
		address, err := Resolve("my-app", directory, Trust{})
		must(t, err)
		address, err = address.inPrivateDirectoryOf(1000)
		if err != nil || address.Path != want {
			t.Errorf("in %s it is %s, not %s: %v", directory, address.Path, want, err)
		}
	}
	address, _ := Resolve(strings.Repeat("a", maxSocketPathBytes()-len("/tmp/.sock")), "/tmp", Trust{})
	if _, err := address.InPrivateDirectory(); !errors.Is(err, fault.AddressTooLong) {
		t.Error(err)
	}
}

func TestEndsMeetInAPrivateDirectoryWhereAnybodyCanWrite(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux reaches files by a descriptor")
	}
	for _, mode := range []uint32{0o777, 0o2777, 0o775, 0o1777} {
		address := privateAddress(t, mode)
		_, err := Dial(context.Background(), address)
		if !errors.Is(err, fault.ConnectFailed) || !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), address.Path) {
			t.Fatal(err)
		}
		accepted := make(chan Conn, 1)
		opts := options(accepted)
		opts.CheckInterval = 2 * time.Millisecond
		listener := listen(t, address, opts)
		conn, err := Dial(context.Background(), address)
		must(t, err)
		_ = conn.Close()
		_ = (<-accepted).Close()
		if _, err = Listen(address, options(nil)); !errors.Is(err, fault.AddressInUse) || !strings.Contains(err.Error(), address.Path) || !strings.Contains(err.Error(), fmt.Sprintf("the process %d ", os.Getpid())) {
			t.Error(err)
		}
		_ = (<-accepted).Close()
		// Others move it away: the socket is put back in a new one.
		must(t, os.Rename(filepath.Dir(address.Path), filepath.Dir(address.Path)+"-moved"))
		conn, err = dialUntil(address)
		must(t, err)
		_ = conn.Close()
		_ = (<-accepted).Close()
		must(t, listener.Close())
		left, _ := os.ReadDir(filepath.Dir(address.Path))
		if len(left) > 0 {
			t.Error(left)
		}
	}
}

func dialUntil(address Address) (conn Conn, err error) {
	for giveUpAt := time.Now().Add(20 * time.Second); time.Now().Before(giveUpAt); {
		if conn, err = Dial(context.Background(), address); err == nil {
			break
		}
	}
	return conn, err
}

func TestWithoutDescriptorsAsPathsTheWholeWayIsChecked(t *testing.T) {
	for mode, safe := range map[uint32]bool{0o777: false, 0o1777: true} {
		address := privateAddress(t, mode)
		_, release, err := holdDirectory(address)
		must(t, err)
		release()
		held, release, err := holdIfThere(address, "/nowhere")
		must(t, err)
		release()
		if err = checkDirectoryOwn(held); held.Path != address.Path || (err == nil) != safe {
			t.Errorf("%o: %s: %v", mode, held.Path, err)
		}
	}
}

func TestWhatIsDoneInAHeldDirectoryIsDoneThereWhereverItIsMoved(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux reaches files by a descriptor")
	}
	address := privateAddress(t, 0o777)
	held, release, err := holdDirectory(address)
	must(t, err)
	moved := filepath.Dir(address.Path) + "-moved"
	must(t, os.Rename(filepath.Dir(address.Path), moved))
	must(t, os.Mkdir(filepath.Dir(address.Path), 0o777))
	must(t, os.WriteFile(held.Path, nil, 0o600))
	must(t, checkDirectoryOwn(held))
	release()
	if _, err = os.Lstat(filepath.Join(moved, "app.sock")); err != nil {
		t.Error(err)
	}
}

func TestAServerWhosePrivateDirectoryIsGoneHasNothingToRemove(t *testing.T) {
	address := privateAddress(t, 0o777)
	listener := listen(t, address, options(nil))
	must(t, os.RemoveAll(filepath.Dir(address.Path)))
	must(t, listener.Close())
	if _, err := os.Lstat(filepath.Dir(address.Path)); !os.IsNotExist(err) {
		t.Errorf("it is there again: %v", err)
	}
}
