module sealpipe

go 1.24
