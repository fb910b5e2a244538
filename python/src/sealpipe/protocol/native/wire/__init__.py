"""What is on the wire: frames, records, hellos, keys."""
