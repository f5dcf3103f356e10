"""The questions of the interview, each with what can be answered, and when it is asked at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from klapp.starters import answers as a
from klapp.starters.answers import Answers, Refused

KINDS = ("pdf", "image", "document", "spreadsheet", "presentation", "text", "audio", "video", "archive")
DAYS = ("day", "weekday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers to choose from."""

    key: str
    text: str


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        key: how its answer is called among the answers.
        text: the question itself; ``hint`` says more.
        asked: whether it is asked, after the answers before it.
        choices: what there is to choose from, by the answers before; empty where the answer is free.
        read: puts a free answer into one form, or raises Refused; is given the person's home folder, too.
        default: what is taken where nothing is answered; "" where something must be.
    """

    key: str
    text: str
    hint: str = ""
    asked: Callable[[Answers], bool] = lambda answers: True
    choices: Callable[[Answers], tuple[Choice, ...]] = lambda answers: ()
    read: Callable[[str, str], str] = lambda raw, home: raw
    default: str = ""

    def accepted(self, raw: str, answers: Answers, home: str) -> str:
        """The answer in its one form. Raises Refused where it can not be taken.

        Args:
            raw: as typed; the number, the key or the text of a choice, where there are choices.
            answers: those before.
            home: the absolute path of the person's home folder.
        """
        raw = raw if raw.strip() else self.default
        choices = self.choices(answers)
        answer = _chosen(raw.strip(), choices) if choices else self.read(raw, home)
        _fits(self.key, answer, answers)
        return answer


def _chosen(raw: str, choices: tuple[Choice, ...]) -> str:
    for number, choice in enumerate(choices, 1):
        if raw.casefold() in (str(number), choice.key, choice.text.casefold()):
            return choice.key
    raise Refused(f"Choose a number from 1 to {len(choices)}, or one of: {', '.join(c.key for c in choices)}.")


def _fits(key: str, answer: str, answers: Answers) -> None:
    """Raise Refused for a goal from which the coworker would take files again and again."""
    if key not in ("to", "list"):
        return
    folder, below = answers["folder"], answers["below"] == "yes"
    goal = answer.rpartition("/")[0] if key == "list" else answer
    if goal == folder:
        raise Refused(f"{folder} is the folder that it looks after. Choose another one.")
    if below and f"{goal}/".startswith(f"{folder}/"):
        raise Refused(f"{goal} is within {folder}, which it looks after with all folders below. Choose another one.")


def _one_of(*pairs: tuple[str, str]) -> Callable[[Answers], tuple[Choice, ...]]:
    choices = tuple(Choice(key, text) for key, text in pairs)
    return lambda answers: choices


def _is(key: str, *values: str) -> Callable[[Answers], bool]:
    return lambda answers: answers.get(key) in values


def _actions(answers: Answers) -> tuple[Choice, ...]:
    several = Choice("list", "Note it in a list, a line for each"), Choice("tell", "Only tell me")
    first = (
        Choice("move", "Move it to another folder"),
        Choice("copy", "Copy it to another folder"),
        Choice("trash", "Put it in the trash"),
    )
    return (*first, *several) if answers["when"] == "arrives" else (*first, several[1])


def _list_path(raw: str, home: str) -> str:
    path = a.path(raw, home, "A list")
    if not path.endswith(".csv"):
        raise Refused("A list is a table that ends with .csv, such as ~/Documents/arrived.csv")
    return path


QUESTIONS: tuple[Question, ...] = (
    Question(
        "when",
        "When should it act?",
        choices=_one_of(
            ("arrives", "When a file arrives in a folder"),
            ("time", "At a fixed time, on files that have lain there for a while"),
        ),
        default="arrives",
    ),
    Question("folder", "Which folder should it look after?", read=a.path, default="~/Downloads"),
    Question("below", "Also the folders below it?", "yes or no", read=lambda raw, home: a.yes_or_no(raw), default="no"),
    Question(
        "files",
        "Which files there?",
        choices=_one_of(
            ("all", "All of them"),
            ("ending", "Those with certain endings, such as pdf"),
            ("kind", "Those of one kind, such as pictures, whatever they are called"),
            ("name", "Those with a certain word in their name"),
            ("text", "Those in which certain words stand, such as Invoice"),
        ),
        default="all",
    ),
    Question(
        "ending",
        "Which endings?",
        "with commas between them, such as: jpg, png",
        asked=_is("files", "ending"),
        read=lambda raw, home: a.endings(raw),
        default="pdf",
    ),
    Question(
        "kind", "Which kind?", asked=_is("files", "kind"), choices=_one_of(*((k, k) for k in KINDS)), default="pdf"
    ),
    Question(
        "name",
        "Which word is in the name?",
        "small and capital letters are the same",
        asked=_is("files", "name"),
        read=lambda raw, home: a.piece(a.plain(raw, "The word"), "A word in a name"),
    ),
    Question(
        "text",
        "Which words stand in them?",
        "one of them is enough; with commas between them, such as: Invoice, Rechnung",
        asked=_is("files", "text"),
        read=lambda raw, home: a.words(raw),
    ),
    Question(
        "age",
        "For how many days should a file have lain there unchanged?",
        asked=_is("when", "time"),
        read=lambda raw, home: a.days(raw),
        default="30",
    ),
    Question(
        "day",
        "On which days should it look?",
        asked=_is("when", "time"),
        choices=_one_of(*((day, f"every {day}") for day in DAYS)),
        default="day",
    ),
    Question("time", "At what time?", asked=_is("when", "time"), read=lambda raw, home: a.clock(raw), default="09:00"),
    Question("action", "What should happen with such a file?", choices=_actions, default="move"),
    Question(
        "to", "Where to?", "a folder; it is made if it is missing", asked=_is("action", "move", "copy"), read=a.path
    ),
    Question(
        "sort",
        "In folders of their own there?",
        asked=_is("action", "move", "copy"),
        choices=_one_of(
            ("no", "No, all in that folder"),
            ("year", "One for each year"),
            ("month", "One for each month"),
            ("kind", "One for each kind of file"),
        ),
        default="no",
    ),
    Question(
        "naming",
        "What should it be called there?",
        asked=_is("action", "move", "copy"),
        choices=_one_of(("same", "As before"), ("date", "With its date in front: 2026-03-09 letter.pdf")),
        default="same",
    ),
    Question(
        "list",
        "In which list?",
        "a table that ends with .csv, which every spreadsheet opens",
        asked=_is("action", "list"),
        read=_list_path,
        default="~/Documents/arrived.csv",
    ),
    Question(
        "tell",
        "Should it tell you each time?",
        "yes or no",
        asked=_is("action", "move", "copy", "trash", "list"),
        read=lambda raw, home: a.yes_or_no(raw),
        default="yes",
    ),
)


def next_question(answers: Answers) -> Question | None:
    """What is to be asked after these answers; None where nothing is left."""
    return next((q for q in QUESTIONS if q.key not in answers and q.asked(answers)), None)


def read_answers(given: Mapping[str, object], home: str) -> dict[str, str]:
    """The answers of somebody who gives all of them at once; what is left out is as its question offers.

    Raises Refused, naming the question, for what can not be taken, is lacking, or is not asked after the others.
    """
    answers: dict[str, str] = {}
    while question := next_question(answers):
        raw = given.get(question.key, "")
        if not isinstance(raw, str | int) or isinstance(raw, bool):
            raise Refused(f"{question.key}: an answer is a text.")
        try:
            answers[question.key] = question.accepted(str(raw), answers, home)
        except Refused as refusal:
            raise Refused(f"{question.key}: {refusal}") from refusal
    surplus = sorted(set(given) - set(answers))
    if surplus:
        known = ", ".join(question.key for question in QUESTIONS)
        raise Refused(f"{surplus[0]}: this is not asked here. The questions are: {known}.")
    return answers
