package main

const keyAgreementDescription = "P-384 key agreement of the classic profile. sharedSecret is the X coordinate of the " +
	"shared point in all its 48 bytes; sharedSecretMinimal is the same number without leading zero bytes, and key is " +
	"the SHA-256 of that. Private keys are 48 bytes, public keys are uncompressed points of 97 bytes. All bytes are " +
	"lower-case hex."

type keyAgreementVector struct {
	Name                string   `json:"name"`
	ServerPrivateKey    hexBytes `json:"serverPrivateKey"`
	ServerPublicKey     hexBytes `json:"serverPublicKey"`
	ClientPrivateKey    hexBytes `json:"clientPrivateKey"`
	ClientPublicKey     hexBytes `json:"clientPublicKey"`
	SharedSecret        hexBytes `json:"sharedSecret"`
	SharedSecretMinimal hexBytes `json:"sharedSecretMinimal"`
	Key                 hexBytes `json:"key"`
}

func keyAgreementVectors() []keyAgreementVector {
	server := serverKeys(0)
	zeroScalar := clientKeys(zeroScalarSeed)
	check(leadingZeros(zeroScalar.private) == 1, "this private key has no leading zero byte")
	zeroPublic := clientKeys(zeroPublicSeed)
	check(leadingZeros(zeroPublic.public[1:]) == 1, "this public key's X has no leading zero byte")

	return []keyAgreementVector{
		keyAgreement("An ordinary pair of keys.", server, clientKeys(0), 0),
		keyAgreement("Another client's key.", server, clientKeys(1), 0),
		keyAgreement("Another server's key.", serverKeys(1), clientKeys(0), 0),
		keyAgreement("Both keys are others.", serverKeys(2), clientKeys(2), 0),
		keyAgreement("The shared secret has one leading zero byte, which does not count.", server, clientKeys(oneZeroSeed), 1),
		keyAgreement("A second shared secret with one leading zero byte.", server, clientKeys(secondOneZeroSeed), 1),
		keyAgreement("A third shared secret with one leading zero byte.", server, clientKeys(thirdOneZeroSeed), 1),
		keyAgreement("The shared secret has two leading zero bytes, which do not count.", server, clientKeys(twoZerosSeed), 2),
		keyAgreement("The client's private key has a leading zero byte, which is an ordinary case.", server, zeroScalar, 0),
		keyAgreement("The X of the client's public key begins with a zero byte, which stays on the wire.", server, zeroPublic, 0),
	}
}

func keyAgreement(name string, server, client pair, zeros int) keyAgreementVector {
	agreed := agree(server, client)
	check(leadingZeros(agreed.secret) == zeros, "%s: not %d leading zero bytes", name, zeros)
	return keyAgreementVector{
		Name:                name,
		ServerPrivateKey:    server.private,
		ServerPublicKey:     server.public,
		ClientPrivateKey:    client.private,
		ClientPublicKey:     client.public,
		SharedSecret:        agreed.secret,
		SharedSecretMinimal: agreed.minimal,
		Key:                 agreed.key,
	}
}
