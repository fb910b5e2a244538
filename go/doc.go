// Package sealpipe is how a desktop app and its daemon talk: two processes on one machine open a channel by name,
// over a Unix socket or a Windows named pipe, encrypted by default. It talks to sealpipe in TypeScript and Python,
// and to golang-ipc's programs.
package sealpipe
