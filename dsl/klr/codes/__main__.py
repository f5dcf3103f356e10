"""Writes the document of all codes: ``python -m klr.codes > docs/codes.md``."""

from __future__ import annotations

import sys

from klr.codes import document

if __name__ == "__main__":
    sys.stdout.write(document())
