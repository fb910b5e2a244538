package sealpipe

import (
	"errors"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"
)

// isPassingPipe reports whether all instances of the pipe are busy, or it is just being removed.
func isPassingPipe(err error) bool {
	return errors.Is(err, windows.ERROR_PIPE_BUSY) || errors.Is(err, windows.ERROR_NO_DATA) || errors.Is(err, winio.ErrTimeout)
}
