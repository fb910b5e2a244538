"""The native profile."""
