"""Streams of both ends."""
