"""Engines on transports."""
