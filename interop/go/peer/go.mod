module sealpipe.test/interop/peer

go 1.21
