"""Anything that answers a conversation."""
