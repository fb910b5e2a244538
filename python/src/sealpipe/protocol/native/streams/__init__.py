"""Streams, as far as their frames go."""
