"""A text household: rooms, receptacles, objects; reads ALFWorld's games and makes its own."""
