// Package leaktest runs a package's tests and sees that nothing is left of them.
package leaktest

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is for goroutines that are on their way out.
const patience = 20 * time.Second

// Run runs the tests. Its exit code is not 0 either if a goroutine is left, or a file that the pattern fits.
func Run(m *testing.M, files string) int {
	before := runtime.NumGoroutine()
	code := m.Run()
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if left := runtime.NumGoroutine(); left > before {
		stacks := make([]byte, 1<<20)
		fmt.Printf("%d goroutines are left, of %d before:\n%s\n", left, before, stacks[:runtime.Stack(stacks, true)])
		code = 1
	}
	if left, _ := filepath.Glob(files); len(left) > 0 {
		fmt.Printf("left behind: %s\n", strings.Join(left, " "))
		code = 1
	}
	return code
}
