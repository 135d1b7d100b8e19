"""What a hostile model says, and what it may win by it: nothing."""
