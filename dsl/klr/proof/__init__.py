"""Sets of paths as regular languages, and the exact answer to "does each path of this one lie in those?"."""

from klr.proof.glob import GlobError, glob, glob_component
from klr.proof.inclusion import TooComplex, escape, matches
from klr.proof.language import (
    Language,
    any_of,
    concat,
    intersection,
    last_component,
    literal,
    meet,
    name_hole,
    numbered,
    one_of,
    parent,
    text_hole,
    union,
)
from klr.proof.names import extensions, stems

__all__ = [
    "GlobError",
    "Language",
    "TooComplex",
    "any_of",
    "concat",
    "escape",
    "extensions",
    "glob",
    "glob_component",
    "intersection",
    "last_component",
    "literal",
    "matches",
    "meet",
    "name_hole",
    "numbered",
    "one_of",
    "parent",
    "stems",
    "text_hole",
    "union",
]
