"""With real peers: golang-ipc and the TypeScript library."""
