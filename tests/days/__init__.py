"""Days of klapp at work, under a clock of its own: what it takes is measured, and may not grow."""
