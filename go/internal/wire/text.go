package wire

import (
	"strings"
	"unicode/utf8"
)

// Text is data as text, in which U+FFFD stands for what is not UTF-8. Source: spec/protocol.md, "Text".
func Text(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	var text strings.Builder
	for len(data) > 0 {
		character, size := utf8.DecodeRune(data)
		if character == utf8.RuneError && size == 1 {
			size = replacedBytes(data)
		}
		text.WriteRune(character)
		data = data[size:]
	}
	return text.String()
}

// replacedBytes is how long the part is, at the start of data, that one U+FFFD stands for: the longest of a character that is
// incomplete, or a byte that begins none.
func replacedBytes(data []byte) int {
	count := 1
	for count < len(data) && !utf8.FullRune(data[:count+1]) {
		count++
	}
	return count
}
