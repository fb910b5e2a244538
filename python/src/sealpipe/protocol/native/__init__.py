"""The native profile, spoken between two sealpipe ends."""
