"""The nine stages."""
