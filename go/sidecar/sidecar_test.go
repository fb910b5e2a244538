package sidecar

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"sealpipe"
)

const patience = 20 * time.Second

func TestAHandOverIsReadAsTheParentSaysIt(t *testing.T) {
	secret := strings.Repeat("s", 32)
	line := fmt.Sprintf(`{"sealpipe":"sidecar/1","name":"a-name","directory":"/tmp/x","group":7,"more":true,"secret":"%s"}`,
		base64.StdEncoding.EncodeToString([]byte(secret)))
	got, err := decodeHandOver([]byte(line))
	if err != nil || !reflect.DeepEqual(got, &handOver{"a-name", "/tmp/x", []byte(secret), 7}) {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = decodeHandOver([]byte(`{"sealpipe":"sidecar/1","name":"a","secret":"AAAA"}`))
	if err != nil || !reflect.DeepEqual(got, &handOver{Name: "a", Secret: []byte{0, 0, 0}}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestALineThatIsNoHandOverIsRefused(t *testing.T) {
	for _, line := range []string{
		"", "{", "null", "7", "[]", "{}",
		`{"sealpipe":"sidecar/2","name":"a","secret":"AAAA"}`,
		`{"Sealpipe":"sidecar/1","name":"a","secret":"AAAA"}`,
		`{"sealpipe":"sidecar/1","name":1,"secret":"AAAA"}`,
		`{"sealpipe":"sidecar/1","name":null,"secret":"AAAA"}`,
		`{"sealpipe":"sidecar/1","name":"a"}`,
		`{"sealpipe":"sidecar/1","name":"a","secret":""}`,
		`{"sealpipe":"sidecar/1","name":"a","secret":"?"}`,
		`{"sealpipe":"sidecar/1","name":"a","secret":"AAAA","directory":"x"}`,
		`{"sealpipe":"sidecar/1","name":"a","secret":"AAAA","directory":""}`,
		`{"sealpipe":"sidecar/1","name":"a","secret":"AAAA","directory":null}`,
		`{"sealpipe":"sidecar/1","name":"a","secret":"AAAA","group":1}`,
		`{"sealpipe":"sidecar/1","name":"a","secret":"AAAA","group":2.5}`,
		`{"sealpipe":"sidecar/1","name":"a","secret":"AAAA","group":-7}`,
		`{"sealpipe":"sidecar/1","name":"a","secret":"AAAA","group":"7"}`,
	} {
		if got, err := decodeHandOver([]byte(line)); !errors.Is(err, sealpipe.ErrNoParent) {
			t.Errorf("%s is %+v, %v", line, got, err)
		}
	}
}

func TestWhatTheParentDecidesIsRefused(t *testing.T) {
	for _, options := range []Options{
		{Listen: sealpipe.Options{Directory: "/tmp"}}, {Listen: sealpipe.Options{PrivateDirectory: true}},
		{Listen: sealpipe.Options{DisableEncryption: true}}, {Listen: sealpipe.Options{Profile: sealpipe.ProfileAuto}},
		{Listen: sealpipe.Options{Secret: []byte("a")}}, {Listen: sealpipe.Options{SecretFile: "/tmp/a"}},
		{Listen: sealpipe.Options{UnmaskPermissions: true}}, {HandOverTimeout: -1}, {DrainTimeout: time.Microsecond},
	} {
		if _, err := Listen(&options); !errors.Is(err, sealpipe.ErrInvalidOption) {
			t.Errorf("%+v: %v", options, err)
		}
	}
}

func TestALeaseGivesOneLineAndEndsWithItsInput(t *testing.T) {
	for name, c := range map[string]struct{ written, want string }{
		"a line":               {"one\ntwo\n", "one\n"},
		"none":                 {"", ""},
		"one without an end":   {"one", ""},
		"one that is too long": {strings.Repeat("x", 70_000) + "\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			input, output := io.Pipe()
			l := newLease(input, time.Hour)
			go func() {
				_, _ = io.WriteString(output, c.written)
				_ = output.Close()
			}()
			select {
			case line := <-l.line:
				if string(line) != c.want {
					t.Errorf("%q", line)
				}
			case <-time.After(patience):
				t.Fatal("no line")
			}
			select {
			case <-l.ended:
			case <-time.After(patience):
				t.Fatal("it has not ended")
			}
			l.release() // This process is not to end with it.
		})
	}
}

func TestAParentThatHandsNothingOverIsWaitedForNoLongerThanTheTimeout(t *testing.T) {
	input, output := io.Pipe()
	defer func() { _ = output.Close() }()
	l := newLease(input, time.Hour)
	defer l.release()
	if _, err := handOverOf(l, time.Millisecond); !errors.Is(err, sealpipe.ErrNoParent) {
		t.Error(err)
	}
}

func TestADirectoryOfTheChannelIsThisUsersAlone(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "channel")
	for range 2 { // The second time it is the predecessor's.
		if err := makePrivate(directory); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{directory, link} {
		if err := makePrivate(other); !errors.Is(err, sealpipe.ErrAddressUntrusted) {
			t.Errorf("%s: %v", other, err)
		}
	}
}
