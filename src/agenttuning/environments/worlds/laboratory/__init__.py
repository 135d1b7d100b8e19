"""A small text laboratory: rooms, substances, heat, circuits, plants; experiments with a score from 0 to 100."""
