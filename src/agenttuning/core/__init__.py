"""The seven nouns and the loop that plays an episode; knows pydantic, anyio and the standard library only."""
