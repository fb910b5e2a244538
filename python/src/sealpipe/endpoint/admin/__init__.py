"""Requests to the library itself."""
