"""klr: the language of coworkers. Text in, proved program out; no file system, no clock, no agent in here."""
