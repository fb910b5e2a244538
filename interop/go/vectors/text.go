package main

import (
	"encoding/hex"
	"unicode/utf8"
)

const textDescription = "The text of data: the code points that its bytes are read as. Where `valid` is true, the same bytes are what that text is written as."

type textVector struct {
	Name       string `json:"name"`
	Bytes      string `json:"bytes"`
	CodePoints []rune `json:"codePoints"`
	Valid      bool   `json:"valid"`
}

const replacement = utf8.RuneError

func textVectors() []textVector {
	vectors := []textVector{
		valid("Nothing.", []rune{}),
		valid("Letters of one to four bytes.", []rune{'a', 'é', '€', '😀'}),
		valid("A byte order mark at the start.", []rune{0xfeff, 'a'}),
		valid("Two byte order marks.", []rune{0xfeff, 0xfeff, 'a'}),
		valid("A byte order mark alone.", []rune{0xfeff}),
		valid("A zero, and what is no character.", []rune{0, 0xffff, 0x10ffff}),
		valid("The replacement character itself.", []rune{replacement}),
		invalid("A byte that UTF-8 does not have.", "61ff62", 'a', replacement, 'b'),
		invalid("A continuation without a start.", "80bf61", replacement, replacement, 'a'),
		invalid("A character of three bytes that is cut short.", "e282", replacement),
		invalid("The same within a text.", "e28261", replacement, 'a'),
		invalid("A character of four bytes that is cut short.", "f09f98", replacement),
		invalid("A longer form than needed.", "c0af", replacement, replacement),
		invalid("Half of a surrogate pair.", "eda080", replacement, replacement, replacement),
		invalid("Above the last code point.", "f4908080", replacement, replacement, replacement, replacement),
		invalid("A byte order mark of UTF-16.", "fffe6100", replacement, replacement, 'a', 0),
	}
	for _, vector := range vectors {
		bytes, err := hex.DecodeString(vector.Bytes)
		check(err == nil && utf8.Valid(bytes) == vector.Valid, "%s: valid is wrong", vector.Name)
	}
	return vectors
}

func valid(name string, text []rune) textVector {
	return textVector{name, hex.EncodeToString([]byte(string(text))), text, true}
}

// invalid has each longest part of a character that ends too early, and each
// other byte that is none, as one U+FFFD: what the Unicode Standard (3.9, "U+FFFD
// Substitution of Maximal Subparts") and the WHATWG's decoder do.
func invalid(name, bytes string, text ...rune) textVector {
	return textVector{name, bytes, text, false}
}
