"""The six worlds that the paper only tests on."""
