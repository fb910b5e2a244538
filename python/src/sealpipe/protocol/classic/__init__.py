"""golang-ipc's profile: frames, sealed payloads, the key."""
