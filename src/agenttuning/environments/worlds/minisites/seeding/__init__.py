"""What the sites begin with, drawn from a seed."""
