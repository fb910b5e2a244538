"""Requests of both ends, and their answers."""
