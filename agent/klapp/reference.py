"""Writes the language's reference from the vocabulary: ``python -m klapp.reference > docs/reference.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from klapp import examples
from klapp.vocabulary import VOCABULARY
from klr.loader import with_functions
from klr.types import WORD
from klr.vocabulary import PERMISSIONS, Slot

WORDS = with_functions(VOCABULARY)
SCHEDULES = (
    "every 15 minutes",
    "every weekday at 09:00, 14:00",
    "every monday, friday at 16:30",
    "every month on 15 at 08:00",
    "every month on last day at 18:00",
    "every month on first monday, last friday at 09:00",
    "every year on 31 march, 24 december at 09:00",
    "every hour on weekday",
    'cron "30 16 * * 5"',
)
"""Each form of the clock's triggers."""


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Made from the declarations themselves; see [the language](language.md) for how they fit together."
    yield from ("", "## Verbs", "")
    for _, verb in sorted(VOCABULARY.verbs.items()):
        yield from (f"### {verb.name}", "", verb.doc, "", f"    {verb.example}", "")
        needs = [PERMISSIONS[permission].name for permission in verb.needs]
        yield from (slot_line(slot) for slot in verb.slots)
        yield from (f"- needs `may {name}`" for name in needs)
        yield from ("", *_block(examples.of_verb(verb)), "")
    yield from ("## Properties of a file", "", "| | type | | for example |", "|---|---|---|---|")
    for _, known in sorted(VOCABULARY.properties.items()):
        yield f"| `{known.name}` | {known.type} | {known.doc} | `{known.example}` |"
    yield from ("", "## Properties of other values", "", "| | | type | | for example |", "|---|---|---|---|---|")
    for (kind, _), known in sorted(WORDS.members.items()):
        yield f"| {kind} | `{known.name}` | {known.type} | {known.doc} | `{known.example}` |"
    yield from ("", "## Functions", "", "| | | for example |", "|---|---|---|")
    for function in sorted(WORDS.functions.values(), key=lambda f: (f.name, f.prepositions)):
        form = f"{function.name} {' '.join(f'{word} ...' for word in function.prepositions)}"
        yield f"| `{form}` | {function.doc} | `{function.example}` |"
    yield '| `files in "PATTERN"` | The files that match a pattern, ordered by path. Needs `may read`. | `files in "~/Documents/**"` |'
    yield from ("", "## Triggers", "")
    for _, trigger in sorted(VOCABULARY.triggers.items()):
        yield from (f"### when {trigger.phrase}", "", trigger.doc, "", f"    {trigger.example}", "")
        yield from (slot_line(slot) for slot in trigger.slots)
        yield from ("", *_block(examples.of_trigger(trigger)), "")
    yield from ("### every, cron", "", "The clock's; more in [the language](language.md#what-starts-a-rule).", "")
    yield from (line for form in SCHEDULES for line in (*_block(examples.of_schedule(form)), ""))
    yield from ("## Permissions", "")
    yield from (f"- `may {kind.name}`: {kind.plain}" for kind in PERMISSIONS.values())


def _block(coworker: str) -> Iterator[str]:
    """A whole coworker; each of these in the documents is checked, and its tests are run."""
    yield from ("```klr", coworker.rstrip("\n"), "```")


def slot_line(slot: Slot) -> str:
    """One place of a verb or trigger, as an item of a list."""
    word = f"`{slot.word}`" if slot.word else "behind the verb"
    kind = "one of " + ", ".join(f"`{choice}`" for choice in slot.words) if slot.type == WORD else f"a {slot.type}"
    optional = "" if slot.required else "; may be left out"
    needs = f"; needs {' and '.join(f'`may {permission}`' for permission in slot.needs)}" if slot.needs else ""
    return f"- {word}: {kind}{optional}{needs}. {slot.doc}".rstrip()


if __name__ == "__main__":
    sys.stdout.write(reference())
