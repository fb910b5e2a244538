"""The options of endpoints."""
