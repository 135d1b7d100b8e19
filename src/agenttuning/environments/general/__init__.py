"""General ability: what must not be lost."""
