"""Clients, and their tries to reach a server."""
