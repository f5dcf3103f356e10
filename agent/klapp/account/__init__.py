"""The local account: who may approve coworkers and look into the log. It is optional, and knows nothing of coworkers."""
