"""File formats of the field: read, write, validate."""
