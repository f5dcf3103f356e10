"""First coworkers: from plain questions, or from those that ship. Knows no terminal; asks, checks and writes text only.

Whoever talks to a person asks ``next_question`` until there is none, gives each answer to ``Question.accepted``, and
gets the coworker from ``draft``. The command line does so on a terminal; a page can do it with a form.
"""

from klapp.starters.answers import Answers, Refused
from klapp.starters.drafting import Draft, draft, from_template, starter
from klapp.starters.naming import checked_name, file_name
from klapp.starters.questions import QUESTIONS, Choice, Question, next_question, read_answers

__all__ = [
    "QUESTIONS",
    "Answers",
    "Choice",
    "Draft",
    "Question",
    "Refused",
    "checked_name",
    "draft",
    "file_name",
    "from_template",
    "next_question",
    "read_answers",
    "starter",
]
