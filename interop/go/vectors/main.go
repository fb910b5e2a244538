// The program that writes spec/vectors. Every key and nonce follows from a
// constant, so that it writes the same bytes each time.
//
//	go run . -out ../../../spec/vectors
//	go run . -search
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// vectorFile is what every file of vectors looks like.
type vectorFile struct {
	Description string `json:"description"`
	Vectors     any    `json:"vectors"`
}

func allFiles() map[string]vectorFile {
	return map[string]vectorFile{
		"key-agreement.json": {keyAgreementDescription, keyAgreementVectors()},
		"handshakes.json":    {handshakesDescription, handshakeVectors()},
		"frames.json":        {framesDescription, frameVectors()},
		"bad-frames.json":    {badFramesDescription, badFrameVectors()},
		"text.json":          {textDescription, textVectors()},

		"native-key-schedule.json":   {nativeKeyScheduleDescription, nativeKeyVectors()},
		"native-records.json":        {nativeRecordsDescription, nativeRecordVectors()},
		"native-hello.json":          {nativeHelloDescription, nativeHelloVectors()},
		"native-features.json":       {nativeFeaturesDescription, nativeFeatureVectors()},
		"native-connections.json":    {nativeConnectionsDescription, nativeConnectionVectors()},
		"native-streams.json":        {nativeStreamsDescription, nativeStreamVectors()},
		"native-context.json":        {nativeContextDescription, nativeContextVectors()},
		"native-admin.json":          {nativeAdminDescription, nativeAdminVectors()},
		"native-feature-frames.json": {nativeFeatureFramesDescription, nativeFeatureFrames()},
		"native-frames.json":         {nativeFramesDescription, nativeFrameVectors()},

		"events.json": {eventsDescription, eventVectors()},
	}
}

func main() {
	out := flag.String("out", "", "the folder to write to")
	search := flag.Bool("search", false, "look for keys with unusual bytes and print their seeds")
	flag.Parse()
	if *search {
		searchSeeds()
		return
	}
	if *out == "" {
		flag.Usage()
		os.Exit(2)
	}
	for name, file := range allFiles() {
		if err := os.WriteFile(filepath.Join(*out, name), encode(file), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func encode(file vectorFile) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(file); err != nil {
		panic(err)
	}
	return buffer.Bytes()
}

// check ends the program where a vector is not what it says it is.
func check(ok bool, format string, values ...any) {
	if !ok {
		panic(fmt.Sprintf(format, values...))
	}
}
