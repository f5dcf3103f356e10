"""Sets of paths as regular languages, and the exact answer to "does each path of this one lie in those?"."""

from klr.proof.glob import GlobError, glob, glob_component
from klr.proof.inclusion import TooComplex, escape, matches
from klr.proof.language import (
    Language,
    concat,
    last_component,
    literal,
    name_hole,
    numbered,
    parent,
    text_hole,
    union,
)

__all__ = [
    "GlobError",
    "Language",
    "TooComplex",
    "concat",
    "escape",
    "glob",
    "glob_component",
    "last_component",
    "literal",
    "matches",
    "name_hole",
    "numbered",
    "parent",
    "text_hole",
    "union",
]
