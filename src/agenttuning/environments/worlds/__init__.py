"""Engines with no prompt in them."""
