package main

const badFramesDescription = "What a receiver of the classic profile must not deliver. bytes is what arrives, and " +
	"outcome an error code, or \"dropped\" where the message is passed over in silence and the connection stays open. " +
	"For a frame that is too large its length alone must do. All bytes are lower-case hex."

type badFrameVector struct {
	Name            string   `json:"name"`
	Encrypted       bool     `json:"encrypted"`
	Key             hexBytes `json:"key,omitempty"`
	MaxMessageBytes uint32   `json:"maxMessageBytes"`
	Bytes           hexBytes `json:"bytes"`
	Outcome         string   `json:"outcome"`
}

const (
	tooShort         = "ERR_FRAME_TOO_SHORT"
	tooLarge         = "ERR_PEER_MESSAGE_TOO_LARGE"
	decryptionFailed = "ERR_DECRYPTION_FAILED"
	dropped          = "dropped"
)

func badFrameVectors() []badFrameVector {
	return append(badPlainFrames(), badEncryptedFrames()...)
}

func badPlainFrames() []badFrameVector {
	plain := func(name string, maximum uint32, bytes []byte, outcome string) badFrameVector {
		return badFrameVector{Name: name, MaxMessageBytes: maximum, Bytes: bytes, Outcome: outcome}
	}
	const usual = defaultMaximumMessage
	return []badFrameVector{
		plain("A plain frame of length 0.", usual, frame(nil), tooShort),
		plain("A plain frame of length 1.", usual, frame([]byte{5}), tooShort),
		plain("A plain frame of length 3 is one byte short of a type.", usual, frame([]byte{0, 0, 5}), tooShort),
		plain("A plain frame one byte over the default limit.", usual, uint32Bytes(usual+typeBytes+1), tooLarge),
		plain("A plain frame one byte over a limit of 1024.", 1024, uint32Bytes(1024+typeBytes+1), tooLarge),
		plain("A plain frame one byte over a limit of 1024, with its type.", 1024, join(uint32Bytes(1024+typeBytes+1), uint32Bytes(5)), tooLarge),
		plain("A plain frame of 2147483648 bytes.", usual, uint32Bytes(1<<31), tooLarge),
		plain("A plain frame of 4294967295 bytes.", usual, uint32Bytes(1<<32-1), tooLarge),
		plain("A plain message of type 0 without data.", usual, frame(message(0, nil)), dropped),
		plain("A plain message of type 0 with data.", usual, frame(message(0, []byte("hello"))), dropped),
	}
}

func badEncryptedFrames() []badFrameVector {
	key := agree(serverKeys(0), clientKeys(0)).key
	otherKey := agree(serverKeys(0), clientKeys(1)).key
	encrypted := func(name string, maximum uint32, bytes []byte, outcome string) badFrameVector {
		return badFrameVector{Name: name, Encrypted: true, Key: key, MaxMessageBytes: maximum, Bytes: bytes, Outcome: outcome}
	}
	const usual = defaultMaximumMessage
	good := seal(key, nonce(200), message(5, []byte("hello")))
	ciphertext, tag := nonceBytes, len(good)-tagBytes
	return []badFrameVector{
		encrypted("An encrypted frame of length 0.", usual, frame(nil), tooShort),
		encrypted("An encrypted frame that holds a nonce alone.", usual, frame(nonce(201)), tooShort),
		encrypted("A sealed payload without a byte in it.", usual, frame(seal(key, nonce(202), nil)), tooShort),
		encrypted("A sealed payload of 3 bytes is one byte short of a type.", usual, frame(seal(key, nonce(203), []byte{0, 0, 5})), tooShort),
		encrypted("An encrypted frame of length 31 that nobody sealed.", usual, frame(pattern(31, 0)), tooShort),
		encrypted("An encrypted frame one byte over the default limit.", usual, uint32Bytes(usual+sealBytes+typeBytes+1), tooLarge),
		encrypted("An encrypted frame one byte over a limit of 1024.", 1024, uint32Bytes(1024+sealBytes+typeBytes+1), tooLarge),
		encrypted("An encrypted frame of 2147483648 bytes.", usual, uint32Bytes(1<<31), tooLarge),
		encrypted("An encrypted frame of 4294967295 bytes.", usual, uint32Bytes(1<<32-1), tooLarge),
		encrypted("The first bit of the tag is flipped.", usual, frame(flip(good, tag, 0x80)), decryptionFailed),
		encrypted("The last bit of the tag is flipped.", usual, frame(flip(good, len(good)-1, 0x01)), decryptionFailed),
		encrypted("A bit of the sealed type is flipped.", usual, frame(flip(good, ciphertext+typeBytes-1, 0x02)), decryptionFailed),
		encrypted("A bit of the sealed data is flipped.", usual, frame(flip(good, tag-1, 0x01)), decryptionFailed),
		encrypted("The first bit of the nonce is flipped.", usual, frame(flip(good, 0, 0x80)), decryptionFailed),
		encrypted("The last bit of the nonce is flipped.", usual, frame(flip(good, nonceBytes-1, 0x01)), decryptionFailed),
		encrypted("The tag lacks its last byte.", usual, frame(good[:len(good)-1]), decryptionFailed),
		encrypted("One byte follows the tag within the frame.", usual, frame(join(good, []byte{0})), decryptionFailed),
		encrypted("The frame was sealed with another key.", usual, frame(seal(otherKey, nonce(204), message(5, []byte("hello")))), decryptionFailed),
		encrypted("The frame is not encrypted at all.", usual, frame(message(5, pattern(60, 0))), decryptionFailed),
		encrypted("An encrypted message of type 0 without data.", usual, frame(seal(key, nonce(205), message(0, nil))), dropped),
		encrypted("An encrypted message of type 0 with data.", usual, frame(seal(key, nonce(206), message(0, []byte("hello")))), dropped),
	}
}

// flip returns a copy with some bits of one byte flipped.
func flip(data []byte, at int, bits byte) []byte {
	flipped := join(data)
	flipped[at] ^= bits
	return flipped
}
