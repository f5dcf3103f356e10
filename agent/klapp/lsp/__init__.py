"""The language server: everything but ``server`` and ``protocol`` knows nothing of how an editor is talked to."""
