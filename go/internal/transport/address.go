package transport

import (
	"encoding/json"
	"runtime"
	"strconv"
	"strings"

	"sealpipe/internal/fault"
)

const (
	// DefaultDirectory is where golang-ipc puts its sockets, on every Unix, whatever the environment says.
	DefaultDirectory = "/tmp"
	// RuntimeDirectory as a directory is the one that the system gives each user for this.
	RuntimeDirectory = "runtime"

	pipePrefix   = `\\.\pipe\`
	maxPipeBytes = 256
)

// Resolve finds where name is: <directory>/<name>.sock, or \\.\pipe\<name> on Windows.
func Resolve(name, directory string, trust Trust) (Address, error) {
	if err := checkName(name); err != nil {
		return Address{}, err
	}
	if runtime.GOOS == "windows" {
		path := pipePrefix + name
		if len(path) > maxPipeBytes {
			return Address{}, fault.New(fault.AddressTooLong, "the pipe's name %s has %d characters; %d is the max", path, len(path), maxPipeBytes)
		}
		return Address{Path: path}, nil
	}
	if directory == RuntimeDirectory {
		found, err := findRuntimeDirectory()
		if err != nil {
			return Address{}, err
		}
		directory = found
	}
	path := strings.TrimRight(directory, "/") + "/" + name + ".sock"
	if len(path) > maxSocketPathBytes() {
		return Address{}, fault.New(fault.AddressTooLong, "the socket's path %s has %d bytes; %d is the max on this platform", path, len(path), maxSocketPathBytes())
	}
	return Address{Path: path, Trust: trust}, nil
}

// ResolveUnchecked is the same for golang-ipc's programs, which may use any name that stays within the directory.
func ResolveUnchecked(name, directory string, trust Trust) (Address, error) {
	if name == "" || name == "." || strings.ContainsAny(name, "/\\\x00") || strings.HasPrefix(name, "..") {
		return Address{}, fault.New(fault.InvalidName, "the name %s is not allowed: it must not be empty, nor leave the directory", quote(name))
	}
	if checkName(name) == nil {
		return Resolve(name, directory, trust)
	}
	address, err := Resolve("a", directory, trust)
	if err != nil {
		return Address{}, err
	}
	address.Path = strings.TrimSuffix(strings.TrimSuffix(address.Path, ".sock"), "a") + name
	limit := maxPipeBytes
	if runtime.GOOS != "windows" {
		address.Path += ".sock"
		limit = maxSocketPathBytes()
	}
	if len(address.Path) > limit {
		return Address{}, fault.New(fault.AddressTooLong, "the address %s has %d bytes; %d is the max on this platform", address.Path, len(address.Path), limit)
	}
	return address, nil
}

// InPrivateDirectory is the same address in the private directory of this user inside its directory.
func (a Address) InPrivateDirectory() (Address, error) {
	return a.inPrivateDirectoryOf(OwnUID())
}

func (a Address) inPrivateDirectoryOf(user uint32) (Address, error) {
	if runtime.GOOS == "windows" {
		return a, nil
	}
	slash := strings.LastIndexByte(a.Path, '/')
	a.Path = a.Path[:slash] + "/sealpipe-" + strconv.FormatUint(uint64(user), 10) + a.Path[slash:]
	a.private = true
	if len(a.Path) > maxSocketPathBytes() {
		return Address{}, fault.New(fault.AddressTooLong, "the socket's path %s has %d bytes; %d is the max on this platform", a.Path, len(a.Path), maxSocketPathBytes())
	}
	return a, nil
}

// maxSocketPathBytes is what sockaddr_un.sun_path has, less the zero byte at its end.
func maxSocketPathBytes() int {
	if runtime.GOOS == "linux" {
		return 107
	}
	return 103
}

func checkName(name string) error {
	if name == "" {
		return fault.New(fault.InvalidName, "a name must not be empty")
	}
	allowed := func(c rune) bool {
		return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
	}
	if strings.Contains(name, "..") || strings.ContainsFunc(name, func(c rune) bool { return !allowed(c) }) {
		return fault.New(fault.InvalidName, `the name %s is not allowed: use letters, digits, ".", "_" and "-", and no ".."`, quote(name))
	}
	return nil
}

func quote(name string) string {
	quoted, _ := json.Marshal(name)
	return string(quoted)
}
