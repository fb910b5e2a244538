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
	"sync"
	"syscall"
	"testing"
	"time"

	"sealpipe/internal/fault"
)

func freshAddress(t *testing.T) Address {
	t.Helper()
	directory, err := os.MkdirTemp("", "sealpipe-go-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		left, _ := filepath.Glob(filepath.Join(directory, "*"))
		hidden, _ := filepath.Glob(filepath.Join(directory, ".sp-*"))
		if len(left)+len(hidden) > 0 && !t.Failed() {
			t.Errorf("left behind: %v %v", left, hidden)
		}
		_ = os.RemoveAll(directory)
	})
	address, err := Resolve("app", directory, Trust{})
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// answers says what a socket that is asked says, and does not take it for alive if nobody listens.
func answers(address Address) bool {
	conn, err := net.Dial("unix", address.Path)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

func options(accepted chan<- Conn) ListenOptions {
	return ListenOptions{
		IsAlive: answers,
		Accepted: func(conn Conn) {
			if accepted == nil {
				_ = conn.Close()
			} else {
				accepted <- conn
			}
		},
		Failed: func(error) {},
	}
}

func listen(t *testing.T, address Address, opts ListenOptions) Listener {
	t.Helper()
	listener, err := Listen(address, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// killedServer leaves a socket at the address on which nobody listens.
func killedServer(t *testing.T, address Address) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: address.Path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	_ = listener.Close()
}

func TestTwoProcessesMeetAtAnAddress(t *testing.T) {
	address, accepted := freshAddress(t), make(chan Conn, 1)
	listener := listen(t, address, options(accepted))
	client, err := Dial(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	server := <-accepted
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	_ = client.CloseWrite()
	buffer := make([]byte, 10)
	if count, _ := server.Read(buffer); string(buffer[:count]) != "hello" {
		t.Errorf("%q arrived", buffer[:count])
	}
	_, _ = client.Close(), server.Close()
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
}

func TestASocketIsItsOwnersAlone(t *testing.T) {
	for mode, open := range map[os.FileMode]bool{0o600: false, 0o777: true} {
		address, opts := freshAddress(t), options(nil)
		opts.OpenToAllUsers = open
		old := syscall.Umask(0o077)
		listener := listen(t, address, opts)
		syscall.Umask(old)
		status, err := os.Lstat(address.Path)
		if err != nil || status.Mode().Perm() != mode {
			t.Errorf("the mode is %v, not %v: %v", status.Mode(), mode, err)
		}
		_ = listener.Close()
	}
}

func TestASocketOfAKilledServerIsReplaced(t *testing.T) {
	address := freshAddress(t)
	killedServer(t, address)
	listen(t, address, options(nil))
	if !answers(address) {
		t.Error("nobody answers")
	}
}

func TestWhatIsAliveOrNoSocketIsNotReplaced(t *testing.T) {
	address, accepted := freshAddress(t), make(chan Conn, 9)
	listen(t, address, options(accepted))
	if _, err := Listen(address, options(nil)); !errors.Is(err, fault.AddressInUse) {
		t.Errorf("a server that is alive: %v", err)
	}
	file := freshAddress(t)
	if err := os.WriteFile(file.Path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file, options(nil)); !errors.Is(err, fault.AddressInUse) {
		t.Errorf("a file: %v", err)
	}
	if content, _ := os.ReadFile(file.Path); string(content) != "mine" {
		t.Error("the file was touched")
	}
	_ = os.Remove(file.Path)
}

func TestOfManyStartersAtADeadSocketOneWins(t *testing.T) {
	for range 20 {
		address := freshAddress(t)
		killedServer(t, address)
		var mu sync.Mutex
		var won []Listener
		var starters sync.WaitGroup
		for range 8 {
			starters.Add(1)
			go func() {
				defer starters.Done()
				listener, err := Listen(address, options(make(chan Conn, 64)))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won = append(won, listener)
				} else if !errors.Is(err, fault.AddressInUse) {
					t.Error(err)
				}
			}()
		}
		starters.Wait()
		if len(won) != 1 || !answers(address) {
			t.Errorf("%d servers won", len(won))
		}
		for _, listener := range won {
			_ = listener.Close()
		}
	}
}

func TestAServerPutsItsSocketBackAndDoesNotReplaceAnothers(t *testing.T) {
	address, accepted, failed := freshAddress(t), make(chan Conn, 64), make(chan error, 64)
	opts := options(accepted)
	opts.CheckInterval = time.Millisecond
	opts.Failed = func(err error) { failed <- err }
	listener := listen(t, address, opts)
	_ = os.Remove(address.Path)
	for !answers(address) {
		time.Sleep(time.Millisecond)
	}
	(<-accepted).Close()

	_ = os.Remove(address.Path)
	for {
		// The server may be faster than we are.
		if other, err := net.Listen("unix", address.Path); err == nil {
			if err := <-failed; !errors.Is(err, fault.AddressLost) {
				t.Error(err)
			}
			_ = listener.Close()
			if _, err := os.Lstat(address.Path); err != nil {
				t.Error("the other's socket was removed")
			}
			_ = other.Close()
			return
		}
		_ = os.Remove(address.Path)
	}
}

func TestAnAddressThatOthersCanReplaceIsNotUsed(t *testing.T) {
	address := freshAddress(t)
	directory := filepath.Dir(address.Path)
	if err := os.Chmod(directory, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(address, options(nil)); !errors.Is(err, fault.AddressUntrusted) {
		t.Errorf("a server: %v", err)
	}
	listener, err := net.Listen("unix", address.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if _, err := Dial(context.Background(), address); !errors.Is(err, fault.AddressUntrusted) {
		t.Errorf("a client: %v", err)
	}
	trusting := address
	trusting.Trust.Anyone = true
	conn, err := Dial(context.Background(), trusting)
	if err != nil {
		t.Fatalf("one that trusts anyone: %v", err)
	}
	_ = conn.Close()
}

func TestAnotherUsersSocketIsNotUsed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make files of another user")
	}
	address := freshAddress(t)
	killedServer(t, address)
	if err := os.Lchown(address.Path, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(address, options(nil)); !errors.Is(err, fault.AddressInUse) {
		t.Errorf("a server: %v", err)
	}
	if _, err := Dial(context.Background(), address); !errors.Is(err, fault.AddressUntrusted) {
		t.Errorf("a client: %v", err)
	}
	address.Trust.Users = []uint32{12345}
	if _, err := Dial(context.Background(), address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a client that trusts the user: %v", err)
	}
	_ = os.Remove(address.Path)
}

func TestNobodyThereIsACauseThatTells(t *testing.T) {
	address := freshAddress(t)
	_, err := Dial(context.Background(), address)
	if !errors.Is(err, fault.ConnectFailed) || !errors.Is(err, syscall.ENOENT) {
		t.Error(err)
	}
}

func TestAPrivateGroupIsOneWithNobodyElseInIt(t *testing.T) {
	directory := t.TempDir()
	passwd, group := filepath.Join(directory, "passwd"), filepath.Join(directory, "group")
	const own = "me:x:1000:1000::/home/me:/bin/sh\n"
	for name, c := range map[string]struct {
		passwd, group string
		want          bool
	}{
		"its own":           {own, "me:x:1000:\n", true},
		"with a member":     {own, "me:x:1000:you\n", false},
		"another's primary": {own + "you:x:1001:1000::/:/bin/sh\n", "me:x:1000:\n", false},
		"not listed":        {own, "", false},
	} {
		_ = os.WriteFile(passwd, []byte(c.passwd), 0o600)
		_ = os.WriteFile(group, []byte(c.group), 0o600)
		if got := isPrivateGroup(1000, 1000, passwd, group); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if isPrivateGroup(0, 0, passwd, group) {
		t.Error("root's")
	}
}

func TestTheKernelsTableTellsWhoListens(t *testing.T) {
	table := filepath.Join(t.TempDir(), "unix")
	_ = os.WriteFile(table, []byte("Num RefCount Protocol Flags Type St Inode Path\n"+
		"0: 2 0 00010000 0001 01 11 /tmp/a.sock\n0: 3 0 00000000 0001 03 12 /tmp/b.sock\n"), 0o600)
	for path, want := range map[string]bool{"/tmp/a.sock": true, "/tmp/b.sock": false, "/tmp/c.sock": false} {
		if got := isListed(path, table); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestTheRuntimeDirectoryIsTheUsersOwn(t *testing.T) {
	directory := t.TempDir()
	for _, variable := range []string{"XDG_RUNTIME_DIR", "TMPDIR"} {
		t.Setenv(variable, directory)
	}
	if _, err := Resolve("app", RuntimeDirectory, Trust{}); !errors.Is(err, fault.NoRuntimeDirectory) {
		t.Errorf("open to others: %v", err)
	}
	_ = os.Chmod(directory, 0o700)
	if address, err := Resolve("app", RuntimeDirectory, Trust{}); err != nil || filepath.Dir(address.Path) != directory {
		t.Errorf("%s: %v", address.Path, err)
	}
}

func TestWithoutItsVariableTheRuntimeDirectoryIsWhereSystemdMakesIt(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no such place here")
	}
	t.Setenv("XDG_RUNTIME_DIR", "")
	perUser := t.TempDir()
	if _, err := runtimeDirectory(perUser); !errors.Is(err, fault.NoRuntimeDirectory) {
		t.Errorf("not there: %v", err)
	}
	own := filepath.Join(perUser, fmt.Sprint(OwnUID()))
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	if found, err := runtimeDirectory(perUser); err != nil || found != own {
		t.Errorf("%s: %v", found, err)
	}
}
