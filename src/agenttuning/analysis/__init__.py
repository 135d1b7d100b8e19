"""What the trajectories say."""
