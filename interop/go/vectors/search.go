package main

import "fmt"

// searchSeeds prints the client seeds that keys.go names, smallest first.
func searchSeeds() {
	server := serverKeys(0)
	find("shared secret with one leading zero byte", 3, func(client pair) bool {
		return leadingZeros(agree(server, client).secret) == 1
	})
	find("shared secret with two leading zero bytes", 1, func(client pair) bool {
		return leadingZeros(agree(server, client).secret) == 2
	})
	find("private key with a leading zero byte", 1, func(client pair) bool {
		return leadingZeros(client.private) == 1
	})
	find("public key whose X begins with a zero byte", 1, func(client pair) bool {
		return leadingZeros(client.public[1:]) == 1
	})
}

func find(what string, count int, fits func(client pair) bool) {
	for seed := 0; count > 0; seed++ {
		if fits(clientKeys(seed)) {
			fmt.Printf("%s: %d\n", what, seed)
			count--
		}
	}
}
