package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
)

const eventsDescription = "Messages of events by subject, as spec/events.md has them. derivedKey is that of the secret and the " +
	"label; key is the publisher's. Without a secret a message is plain. Where there is an outcome, a receiver with that secret and " +
	"topic must refuse the message. All bytes are lower-case hex."

const eventLabel = "sealpipe events"

type eventVector struct {
	Name       string   `json:"name"`
	Secret     hexBytes `json:"secret,omitempty"`
	Label      string   `json:"label,omitempty"`
	DerivedKey hexBytes `json:"derivedKey,omitempty"`
	Topic      string   `json:"topic"`
	Publisher  hexBytes `json:"publisher"`
	Key        hexBytes `json:"key,omitempty"`
	Counter    uint64   `json:"counter"`
	Stamp      uint64   `json:"stamp"`
	Data       hexBytes `json:"data"`
	Message    hexBytes `json:"message"`
	Outcome    string   `json:"outcome,omitempty"`
}

func eventVectors() []eventVector {
	secret := patternOf("events", 32)
	publisher := patternOf("publisher", 16)
	topic := "sealpipe.my-app.events.the%20news.tick 1 json"
	plain := eventVector{Topic: topic, Publisher: publisher, Counter: 3, Stamp: 1_780_000_000_000, Data: []byte("42")}
	sealed := plain
	sealed.Secret = secret

	first := eventOf("The first of a publisher.", sealed, func(v *eventVector) { v.Counter = 0 })
	empty := eventOf("Without data.", sealed, func(v *eventVector) { v.Data = hexBytes{} })
	durable := eventOf("A durable one, whose stamp is its position.", sealed, func(v *eventVector) {
		v.Topic, v.Stamp = "sealpipe.my-app.kept.the%20news.price 2 msgpack", 7
	})
	later := eventOf("Sealed.", sealed, func(*eventVector) {})
	open := eventOf("Plain, without a secret.", plain, func(*eventVector) {})
	return []eventVector{
		first, later, empty, durable, open,
		refused("A bit of its data is another.", later, func(v *eventVector) { v.Message[33] ^= 1 }),
		refused("Another counter.", later, func(v *eventVector) { v.Message[24] ^= 1 }),
		refused("Another stamp.", later, func(v *eventVector) { v.Message[32] ^= 1 }),
		refused("Another publisher.", later, func(v *eventVector) { v.Message[1] ^= 1 }),
		refused("Cut within its tag.", later, func(v *eventVector) { v.Message = v.Message[:len(v.Message)-1] }),
		refused("Cut within its head.", later, func(v *eventVector) { v.Message = v.Message[:32] }),
		refused("No bytes at all.", later, func(v *eventVector) { v.Message = hexBytes{} }),
		refused("Of another topic.", later, func(v *eventVector) {
			v.Topic = "sealpipe.my-app.events.the%20news.tock 1 json"
		}),
		refused("Of another number.", later, func(v *eventVector) {
			v.Topic = "sealpipe.my-app.events.the%20news.tick 2 json"
		}),
		refused("Plain, on a channel with a secret.", open, func(v *eventVector) { v.Secret = secret }),
		refused("Sealed, on a channel without one.", later, func(v *eventVector) { v.Secret = nil }),
		refused("Of a kind that there is not.", open, func(v *eventVector) { v.Message[0] = 2 }),
		refused("A counter of 2^53.", open, func(v *eventVector) {
			binary.BigEndian.PutUint64(v.Message[17:], 1<<53)
		}),
	}
}

// eventOf has the message that follows from the rest.
func eventOf(name string, from eventVector, change func(*eventVector)) eventVector {
	change(&from)
	from.Name = name
	head := []byte{0}
	if from.Secret != nil {
		head[0] = 1
	}
	head = append(head, from.Publisher...)
	head = binary.BigEndian.AppendUint64(head, from.Counter)
	head = binary.BigEndian.AppendUint64(head, from.Stamp)
	if from.Secret == nil {
		from.Message = append(head, from.Data...)
		return from
	}
	from.Label = eventLabel
	from.DerivedKey = keyFrom(from.Secret, []byte("sealpipe derived 1"), eventLabel)
	from.Key = keyFrom(from.DerivedKey, from.Publisher, from.Topic)
	block, err := aes.NewCipher(from.Key)
	check(err == nil, "%v", err)
	aead, err := cipher.NewGCM(block)
	check(err == nil, "%v", err)
	nonce := binary.BigEndian.AppendUint64(make([]byte, 4), from.Counter)
	from.Message = aead.Seal(head, nonce, from.Data, head)
	return from
}

func refused(name string, from eventVector, change func(*eventVector)) eventVector {
	from.Message = append(hexBytes{}, from.Message...)
	change(&from)
	from.Name, from.Outcome = name, "refused"
	from.Label, from.DerivedKey, from.Key = "", nil, nil
	return from
}

func keyFrom(secret, salt []byte, info string) []byte {
	early, err := hkdf.Extract(sha256.New, secret, salt)
	check(err == nil, "%v", err)
	key, err := hkdf.Expand(sha256.New, early, info, 32)
	check(err == nil, "%v", err)
	return key
}

// patternOf are bytes that follow from a text.
func patternOf(text string, count int) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:count]
}
