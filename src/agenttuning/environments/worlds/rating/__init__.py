"""MT-Bench's questions, and how a language model rates answers to them."""
