"""The command line, as its own tests use it."""

from tests.cli.conftest import call, recipe

__all__ = ["call", "recipe"]
