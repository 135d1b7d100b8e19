"""A study: one recipe, several variants of it, several seeds; equal stages are done once."""
