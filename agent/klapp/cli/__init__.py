"""The command line: reads arguments, asks the agent, prints. No logic of its own."""
