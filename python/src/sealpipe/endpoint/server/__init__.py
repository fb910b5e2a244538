"""Servers and their connections."""
