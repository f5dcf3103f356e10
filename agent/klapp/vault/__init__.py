"""Keys, and everything that is sealed with them. Knows nothing of coworkers."""
