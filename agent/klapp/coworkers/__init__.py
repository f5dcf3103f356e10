"""The person's coworkers: loaded from their files, approved by the person, paused and resumed."""
