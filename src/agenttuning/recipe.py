"""Recipe = the stage configurations composed."""
