package main

import (
	"crypto/sha256"
	"encoding/binary"
)

const nativeRecordsDescription = "Runs of records of one direction of the native profile. trafficSecret is that " +
	"direction's first and absent where the records are plain; recordsPerKey is after how many records the key changes, " +
	"524288 but where a vector shows the change. Each record has its number, the frames that it holds, and its bytes; " +
	"long frames are given as a pattern, byte i = (31 i + 17 seed + 7 floor(i / 256)) mod 256, and by the record's " +
	"SHA-256. refused has runs of records, by their numbers, that must end in the error code. All bytes are lower-case hex."

type nativeRecordVector struct {
	Name          string         `json:"name"`
	TrafficSecret hexBytes       `json:"trafficSecret,omitempty"`
	RecordsPerKey int            `json:"recordsPerKey"`
	Records       []recordVector `json:"records"`
	Refused       []refusedRun   `json:"refused,omitempty"`
}

type recordVector struct {
	Number        uint64         `json:"number"`
	Frames        hexBytes       `json:"frames,omitempty"`
	FramesPattern *patternVector `json:"framesPattern,omitempty"`
	Record        hexBytes       `json:"record,omitempty"`
	RecordBytes   int            `json:"recordBytes,omitempty"`
	RecordSHA256  hexBytes       `json:"recordSha256,omitempty"`
}

type patternVector struct {
	Bytes int `json:"bytes"`
	Seed  int `json:"seed"`
}

// refusedRun is records in an order in which they must not be taken.
type refusedRun struct {
	Name    string   `json:"name"`
	Numbers []uint64 `json:"numbers"`
	Outcome string   `json:"outcome"`
}

const (
	usualRecordsPerKey   = 1 << 19
	mostFrameBytes       = 131072
	authenticationFailed = "ERR_AUTHENTICATION_FAILED"
)

var (
	pingFrame  = []byte{0x04, 0, 0, 4, 0, 0, 0, 7}
	closeFrame = []byte{0x06, 0, 0, 0}
)

func nativeRecordVectors() []nativeRecordVector {
	plain := nativeRecordVector{Name: "Plain records.", RecordsPerKey: usualRecordsPerKey}
	for number, frames := range [][]byte{pingFrame, closeFrame, join(pingFrame, closeFrame)} {
		plain.Records = append(plain.Records, nativeRecord(nil, usualRecordsPerKey, uint64(number), frames))
	}
	secret := nativeKeyVectors()[0].Client.Secrets[0]
	return []nativeRecordVector{
		plain,
		sealedRecords("Sealed records under one key.", secret, usualRecordsPerKey),
		sealedRecords("Sealed records of the other direction, each with a key of its own.", nativeKeyVectors()[0].Server.Secrets[0], 1),
		sealedRecords("Sealed records whose key changes after each second one, while the numbers go on.", secret, 2),
		largestRecords(secret),
	}
}

func sealedRecords(name string, secret []byte, recordsPerKey int) nativeRecordVector {
	made := nativeRecordVector{Name: name, TrafficSecret: secret, RecordsPerKey: recordsPerKey}
	contents := [][]byte{pingFrame, closeFrame, join(pingFrame, pingFrame), pingFrame, join(closeFrame, pingFrame)}
	for number, frames := range contents {
		made.Records = append(made.Records, nativeRecord(secret, recordsPerKey, uint64(number), frames))
	}
	made.Refused = []refusedRun{
		{"One is repeated.", []uint64{0, 0}, decryptionFailed},
		{"One is left out.", []uint64{0, 2}, decryptionFailed},
		{"Two have changed places.", []uint64{0, 2, 1}, decryptionFailed},
		{"An early one comes again.", []uint64{0, 1, 2, 0}, decryptionFailed},
		{"The first is left out.", []uint64{1}, authenticationFailed},
	}
	return made
}

func largestRecords(secret []byte) nativeRecordVector {
	made := nativeRecordVector{Name: "The largest record, after one of the smallest.", TrafficSecret: secret, RecordsPerKey: usualRecordsPerKey}
	made.Records = append(made.Records, nativeRecord(secret, usualRecordsPerKey, 0, closeFrame))
	whole := nativeRecord(secret, usualRecordsPerKey, 1, pattern(mostFrameBytes, 4))
	digest := sha256.Sum256(whole.Record)
	made.Records = append(made.Records, recordVector{
		Number:        1,
		FramesPattern: &patternVector{mostFrameBytes, 4},
		RecordBytes:   len(whole.Record),
		RecordSHA256:  digest[:],
	})
	return made
}

// nativeRecord is plain without a secret.
func nativeRecord(secret []byte, recordsPerKey int, number uint64, frames []byte) recordVector {
	record := frame(frames)
	if secret != nil {
		for changes := number / uint64(recordsPerKey); changes > 0; changes-- {
			secret = expand(secret, []byte("next"), sha256.Size)
		}
		header := uint32Bytes(uint32(len(frames) + tagBytes))
		record = join(header, aead(expand(secret, []byte("key"), 32)).Seal(nil, recordNonce(secret, number), frames, header))
	}
	return recordVector{Number: number, Frames: frames, Record: record}
}

// recordNonce is the IV with the record's number over its last eight bytes.
func recordNonce(secret []byte, number uint64) []byte {
	nonce := expand(secret, []byte("iv"), nonceBytes)
	tail := nonce[nonceBytes-8:]
	binary.BigEndian.PutUint64(tail, binary.BigEndian.Uint64(tail)^number)
	return nonce
}
