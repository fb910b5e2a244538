//go:build unix

package transport

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"sealpipe/internal/fault"
)

func TestANameIsASocketInItsDirectory(t *testing.T) {
	for directory, want := range map[string]string{
		"/tmp": "/tmp/my-app.sock", "/tmp//": "/tmp/my-app.sock", "/": "/my-app.sock",
	} {
		address, err := Resolve("my-app", directory, Trust{})
		if err != nil || address.Path != want {
			t.Errorf("in %s it is %s, not %s: %v", directory, address.Path, want, err)
		}
	}
}

func TestANameThatCouldLeaveItsDirectoryIsRefused(t *testing.T) {
	for _, name := range []string{"", "a/b", "..", "a..b", "a b", "a\x00", "a:b", "ä"} {
		if _, err := Resolve(name, "/tmp", Trust{}); !errors.Is(err, fault.InvalidName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestGolangIpcsNamesStayInTheirDirectory(t *testing.T) {
	for _, name := range []string{"a b", "a:b", "ä", "a..b", "my-app"} {
		address, err := ResolveUnchecked(name, "/tmp", Trust{})
		if want := "/tmp/" + name + ".sock"; err != nil || address.Path != want {
			t.Errorf("%q is %s: %v", name, address.Path, err)
		}
	}
	for _, name := range []string{"", "..", ".", "../a", "a/b", "a\x00b"} {
		if _, err := ResolveUnchecked(name, "/tmp", Trust{}); !errors.Is(err, fault.InvalidName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAPathThatIsTooLongIsRefused(t *testing.T) {
	room := 107 - len("/tmp/.sock")
	if runtime.GOOS != "linux" {
		room = 103 - len("/tmp/.sock")
	}
	for _, resolve := range []func(string, string, Trust) (Address, error){Resolve, ResolveUnchecked} {
		if _, err := resolve(strings.Repeat("a", room), "/tmp", Trust{}); err != nil {
			t.Error(err)
		}
		if _, err := resolve(strings.Repeat("a", room+1), "/tmp", Trust{}); !errors.Is(err, fault.AddressTooLong) {
			t.Error(err)
		}
	}
	if _, err := ResolveUnchecked(strings.Repeat(" ", room+1), "/tmp", Trust{}); !errors.Is(err, fault.AddressTooLong) {
		t.Error(err)
	}
}
