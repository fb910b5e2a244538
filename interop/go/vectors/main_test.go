package main

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

const folder = "../../../spec/vectors"

func TestTheFilesAreWhatTheProgramWrites(t *testing.T) {
	files := allFiles()
	for name, file := range files {
		written, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(written, encode(file)) {
			t.Errorf("%s: run `go run . -out %s` again", name, folder)
		}
	}
}

func TestEveryNameIsASentenceOfItsOwn(t *testing.T) {
	for file := range allFiles() {
		seen := map[string]bool{}
		for _, vector := range load[struct{ Name string }](t, file) {
			if seen[vector.Name] || len(vector.Name) < 2 || vector.Name[len(vector.Name)-1] != '.' {
				t.Errorf("%s: %q", file, vector.Name)
			}
			seen[vector.Name] = true
		}
	}
}

func TestBothEndsAgreeOnEachKey(t *testing.T) {
	zeros := map[int]int{}
	for _, vector := range load[keyAgreementVector](t, "key-agreement.json") {
		secret := sharedSecret(t, vector.ServerPrivateKey, vector.ClientPublicKey)
		if !bytes.Equal(secret, sharedSecret(t, vector.ClientPrivateKey, vector.ServerPublicKey)) || !bytes.Equal(secret, vector.SharedSecret) {
			t.Errorf("%s: the secret is another", vector.Name)
		}
		minimal := bytes.TrimLeft(secret, "\x00")
		key := sha256.Sum256(minimal)
		if !bytes.Equal(minimal, vector.SharedSecretMinimal) || !bytes.Equal(key[:], vector.Key) {
			t.Errorf("%s: the key is another", vector.Name)
		}
		zeros[len(secret)-len(minimal)]++
	}
	if zeros[0] < 4 || zeros[1] < 2 || zeros[2] < 1 {
		t.Errorf("too few of a kind: %v", zeros)
	}
}

func TestEachHandshakeAnnouncesItsMaximumSize(t *testing.T) {
	for _, vector := range load[handshakeVector](t, "handshakes.json") {
		if vector.Outcome != "open" {
			continue
		}
		parts := map[string][]byte{}
		for _, step := range vector.Steps {
			parts[step.Part] = step.Bytes
		}
		maximum := payloadOf(t, parts["maximum-size"])
		if vector.Encrypted {
			secret := sharedSecret(t, vector.ServerPrivateKey, parts["client-key"])
			key := sha256.Sum256(bytes.TrimLeft(secret, "\x00"))
			if !bytes.Equal(maximum[:nonceBytes], vector.Nonce) {
				t.Errorf("%s: another nonce", vector.Name)
			}
			maximum = mustOpen(t, key[:], maximum)
		}
		if len(maximum) != 4 || binary.BigEndian.Uint32(maximum) != vector.MaxMessageBytes {
			t.Errorf("%s: announces %x", vector.Name, maximum)
		}
	}
}

func TestEachFrameHoldsItsMessage(t *testing.T) {
	for _, vector := range load[frameVector](t, "frames.json") {
		var data []byte
		whole := []byte(vector.Frame)
		if vector.Data != nil {
			data = *vector.Data
		} else {
			data = pattern(vector.DataPattern.Bytes, vector.DataPattern.Seed)
			whole = rebuilt(vector, data)
		}
		payload := payloadOf(t, whole)
		if vector.Encrypted {
			payload = mustOpen(t, vector.Key, payload)
		}
		if binary.BigEndian.Uint32(payload) != vector.Type || !bytes.Equal(payload[typeBytes:], data) {
			t.Errorf("%s: another message", vector.Name)
		}
		digest := sha256.Sum256(whole)
		if vector.DataPattern != nil && (len(whole) != vector.FrameBytes || !bytes.Equal(digest[:], vector.FrameSHA256)) {
			t.Errorf("%s: another frame", vector.Name)
		}
	}
}

func TestEachBadFrameIsBadInItsWay(t *testing.T) {
	for _, vector := range load[badFrameVector](t, "bad-frames.json") {
		smallest := uint32(typeBytes)
		if vector.Encrypted {
			smallest += sealBytes
		}
		length := binary.BigEndian.Uint32(vector.Bytes)
		var is string
		switch {
		case length < smallest:
			is = tooShort
		case length-smallest > vector.MaxMessageBytes:
			is = tooLarge
		default:
			is = opened(t, vector)
		}
		if is != vector.Outcome {
			t.Errorf("%s: is %q", vector.Name, is)
		}
	}
}

func TestBothEndsDeriveTheSameNativeSecrets(t *testing.T) {
	for _, vector := range load[nativeKeyVector](t, "native-key-schedule.json") {
		secret := sharedSecret(t, vector.ClientPrivateKey, vector.ServerPublicKey)
		if !bytes.Equal(secret, vector.SharedSecret) {
			t.Errorf("%s: the secret is another", vector.Name)
		}
		// In one go, where the program does it in two steps.
		for side, made := range map[string]directionVector{"client": vector.Client, "server": vector.Server} {
			info := side + string(vector.Transcript)
			whole, err := hkdf.Key(sha256.New, secret, vector.Early, info, sha256.Size)
			if err != nil || !bytes.Equal(whole, made.Secrets[0]) {
				t.Errorf("%s: the %s's secret is another", vector.Name, side)
			}
		}
		key := sha256.Sum256(bytes.TrimLeft(secret, "\x00"))
		maximum := mustOpen(t, key[:], payloadOf(t, vector.MaximumSizeFrame))
		if binary.BigEndian.Uint32(maximum) != vector.MaxMessageBytes {
			t.Errorf("%s: announces %x", vector.Name, maximum)
		}
	}
}

func TestEachNativeRecordOpensUnderItsNumber(t *testing.T) {
	for _, vector := range load[nativeRecordVector](t, "native-records.json") {
		for _, record := range vector.Records {
			if record.Record == nil || vector.TrafficSecret == nil {
				continue
			}
			secret := []byte(vector.TrafficSecret)
			for changes := record.Number / uint64(vector.RecordsPerKey); changes > 0; changes-- {
				secret = expand(secret, []byte("next"), sha256.Size)
			}
			sealer := aead(expand(secret, []byte("key"), 32))
			nonce := recordNonce(secret, record.Number)
			frames, err := sealer.Open(nil, nonce, payloadOf(t, record.Record), record.Record[:lengthBytes])
			if err != nil || !bytes.Equal(frames, record.Frames) {
				t.Errorf("%s: record %d: %v", vector.Name, record.Number, err)
			}
		}
	}
}

func TestEachNativeFrameSaysHowLongItIs(t *testing.T) {
	kinds := map[byte]bool{}
	for _, vector := range load[nativeFrameVector](t, "native-frames.json") {
		if (vector.Says == nil) == (vector.Outcome == "") || (vector.Record == nil) == (vector.Frames == nil) {
			t.Errorf("%s: is neither good nor bad", vector.Name)
		}
		var data []byte
		for _, frame := range vector.Frames {
			whole := frame.whole()
			if int(binary.BigEndian.Uint32(whole)&0xffffff) != len(whole)-4 || len(whole) > mostFrameBytes {
				t.Errorf("%s: a frame has another length", vector.Name)
			}
			if vector.Says != nil {
				kinds[whole[0]] = true
			}
			if frame.TailPattern != nil {
				data = append(data, whole[len(whole)-frame.TailPattern.Bytes:]...)
			}
		}
		if vector.Says == nil || vector.Says.DataPattern == nil {
			continue
		}
		if !bytes.Equal(data, pattern(vector.Says.DataPattern.Bytes, vector.Says.DataPattern.Seed)) {
			t.Errorf("%s: another body", vector.Name)
		}
	}
	// All but the hello, which has a file of its own.
	if len(kinds) != 16 {
		t.Errorf("%d kinds", len(kinds))
	}
}

func opened(t *testing.T, vector badFrameVector) string {
	payload := payloadOf(t, vector.Bytes)
	if vector.Encrypted {
		plaintext, err := open(vector.Key, payload)
		if err != nil {
			return decryptionFailed
		}
		payload = plaintext
	}
	if binary.BigEndian.Uint32(payload) == 0 {
		return dropped
	}
	return "a message"
}

// rebuilt makes the frame of a vector that only tells its digest.
func rebuilt(vector frameVector, data []byte) []byte {
	payload := message(vector.Type, data)
	if vector.Encrypted {
		payload = seal(vector.Key, vector.Nonce, payload)
	}
	return frame(payload)
}

func load[T any](t *testing.T, name string) []T {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Description string
		Vectors     []T
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if file.Description == "" || len(file.Vectors) == 0 {
		t.Fatalf("%s is empty", name)
	}
	return file.Vectors
}

func sharedSecret(t *testing.T, private, public []byte) []byte {
	t.Helper()
	own, err := ecdh.P384().NewPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := ecdh.P384().NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := own.ECDH(peer)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func payloadOf(t *testing.T, whole []byte) []byte {
	t.Helper()
	if len(whole) < lengthBytes || int(binary.BigEndian.Uint32(whole)) != len(whole)-lengthBytes {
		t.Fatalf("the length is wrong: %x", whole[:min(len(whole), lengthBytes)])
	}
	return whole[lengthBytes:]
}

func mustOpen(t *testing.T, key, sealed []byte) []byte {
	t.Helper()
	plaintext, err := open(key, sealed)
	if err != nil {
		t.Fatal(err)
	}
	return plaintext
}
