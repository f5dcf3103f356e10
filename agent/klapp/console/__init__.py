"""The local page: what the command line can do, for people who would rather look and click.

The running agent serves it on demand, to its own person alone, and stops when nobody looks at it any more.

``Console.open`` gives the address of a link that is good once. ``doors`` knows who has come in, ``guard`` stands before
every request, ``server`` listens; ``app`` and its pages show what ``klapp.gate`` answers, and hold no logic of their own.
"""

from klapp.console.server import Console

__all__ = ["Console"]
