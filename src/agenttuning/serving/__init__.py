"""A tuned model on a port."""
