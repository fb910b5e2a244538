package sealpipe

import "io/fs"

// Windows has neither modes nor owners of this kind: put the file where only your user can read it.
const (
	openCarefully = 0
	chmodMayFail  = true
)

func objectionToSecretFile(status fs.FileInfo) string {
	if !status.Mode().IsRegular() {
		return "is no file"
	}
	return ""
}
