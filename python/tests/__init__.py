"""Tests are sentences; each leaves nothing behind."""
