// Package sealpipe is how a desktop app and its daemon talk: two processes of one machine open a channel by name, over a
// Unix socket or a Windows named pipe, encrypted unless told otherwise. It speaks with sealpipe in TypeScript and Python,
// and with golang-ipc's programs.
package sealpipe
