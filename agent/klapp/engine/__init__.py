"""The engine: drives programs, and answers what they yield by performing, simulating, testing or replaying."""
