"""Asks a server or a client, in whatever language it is written, for each rule of spec/protocol.md.

``python -m sealpipe.conformance --help`` says how.
"""
