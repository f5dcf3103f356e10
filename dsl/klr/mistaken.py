"""What an action was meant to be whose verb klapp does not know: the verb, where a word is missing, a text without quotes."""

from __future__ import annotations

from collections.abc import Mapping

from klr import syntax as s
from klr.diagnostics import Diagnostic, Edit, did_you_mean, instead, listing
from klr.source import Source, Span
from klr.synonyms import SLOT_WORDS, VERBS, WITH_MAIL
from klr.types import TEXT
from klr.vocabulary import Verb


def unknown_verb(action: s.Action, verbs: Mapping[str, Verb], source: Source) -> Diagnostic:
    """The finding for an action whose words are no verb."""
    verb = verbs.get(action.words[0]) if len(action.words) > 1 else None
    meant = verb and (
        _slot_word(action, verb, source) or _no_slot_word(action, verb) or _no_quotes(action, verb, source)
    )
    return _with_mail(action, source) or meant or _unknown(action, verbs, source)


def _with_mail(action: s.Action, source: Source) -> Diagnostic | None:
    """`archive mail`: what is done to mail has few words of its own."""
    name = " ".join(action.words)
    example = WITH_MAIL.get(name)
    if example is None or not isinstance(action.object, s.Name) or action.object.name != "mail":
        return None
    span = source.words_in(action.span, name) or action.span
    return Diagnostic("K203", f"klapp does not know how to `{name}` a mail.", span, f"Write, for example, `{example}`.")


def _slot_word(action: s.Action, verb: Verb, source: Source) -> Diagnostic | None:
    """`move file into "..."`: the last word stands where a word of the verb belongs."""
    written = action.words[-1]
    known = [slot.word for slot in verb.slots if slot.word]
    if len(action.words) != 3 or not (repair := instead(action.span, written, known, SLOT_WORDS)):
        return None
    span = source.words_in(action.span, written) or action.span
    return Diagnostic("K206", f"`{verb.name}` takes no `{written}`.", span, f"Did you mean `{repair[0].new}`?", repair)


def _no_slot_word(action: s.Action, verb: Verb) -> Diagnostic | None:
    """`move file "..."`: the text should have a word before it."""
    missing = next((slot for slot in verb.slots if slot.word and slot.required), None)
    if len(action.words) != 2 or missing is None or not isinstance(action.object, s.Template):
        return None
    start = Span(action.object.span.start, action.object.span.start)
    return Diagnostic(
        "K206",
        f"`{missing.word}` is missing between what `{verb.name}` works on and where that goes.",
        action.object.span,
        f"For example: `{verb.example}`.",
        (Edit(start, "", f"{missing.word} "),),
    )


def _no_quotes(action: s.Action, verb: Verb, source: Source) -> Diagnostic | None:
    """`notify new file`: words where a text belongs."""
    text = next((slot for slot in verb.slots if not slot.word), None)
    if text is None or text.type != TEXT or not isinstance(action.object, s.Name) or action.slots:
        return None
    second = source.words_in(action.span, action.words[1])
    if second is None:
        return None
    span = Span(second.start, action.object.span.end)
    old = source.cut(span)
    new = f'"{old}"'
    return Diagnostic("K203", "A text stands in double quotes.", span, f"Write {new}.", (Edit(span, old, new),))


def _unknown(action: s.Action, verbs: Mapping[str, Verb], source: Source) -> Diagnostic:
    name = " ".join(action.words)
    span = source.words_in(action.span, name) or action.span
    for words in dict.fromkeys((name, action.words[0])):
        if repair := instead(action.span, words, verbs, VERBS):
            help = did_you_mean(words, verbs, VERBS)
            if repair[0].new == "trash":
                help = "Write `trash file`: what is in the trash can be brought back."
            break
    else:
        help = f"klapp can {listing(sorted(verbs))}."
    return Diagnostic("K203", f"klapp does not know how to `{name}`.", span, help, repair)
