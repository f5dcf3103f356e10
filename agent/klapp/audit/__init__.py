"""The log: what was intended, what came of it, and why. Knows nothing of coworkers."""
