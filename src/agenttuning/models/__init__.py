"""What a model is to us; shared by training, serving and policies."""
