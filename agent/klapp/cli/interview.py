"""The interview of ``klapp new`` on a terminal: puts the questions, reads answers, lets a person go back."""

from __future__ import annotations

from collections.abc import Callable

from klapp.cli.output import Complaint, say
from klapp.starters import Question, Refused, next_question

BACK = "<"


def interview(home: str, ask: Callable[[str], str] = input) -> dict[str, str]:
    """The answers of the person at the terminal. Raises Complaint where there are no more of them."""
    answers: dict[str, str] = {}
    say(f"Enter takes what stands in [brackets]; {BACK} goes back.")
    while question := next_question(answers):
        put(question, answers)
        raw = asked(f"{_offer(question)}> ", ask)
        if raw.strip() == BACK:
            if answers:
                answers.popitem()
            continue
        try:
            answers[question.key] = question.accepted(raw, answers, home)
        except Refused as refusal:
            say(f"  {refusal}")
    return answers


def put(question: Question, answers: dict[str, str]) -> None:
    """Show a question and what there is to choose from."""
    say(f"\n{question.text}" + (f"  ({question.hint})" if question.hint else ""))
    for number, choice in enumerate(question.choices(answers), 1):
        say(f"  {number}  {choice.text}")


def _offer(question: Question) -> str:
    if not question.default:
        return ""
    numbers = [choice.key for choice in question.choices({"when": "arrives"})]
    return f"[{numbers.index(question.default) + 1 if numbers else question.default}] "


def asked(prompt: str, ask: Callable[[str], str] = input) -> str:
    """One line from the person. Raises Complaint at the end of the input."""
    try:
        return ask(prompt)
    except EOFError as error:
        raise Complaint("\nStopped. Nothing was written.") from error
