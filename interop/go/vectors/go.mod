module sealpipe.test/interop/vectors

go 1.24
