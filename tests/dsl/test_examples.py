"""Each function and property is what its declaration says: its example is a value that runs."""

from __future__ import annotations

from datetime import datetime

import pytest

from klapp.engine.tester import run_tests
from klapp.vocabulary import VOCABULARY
from klr.loader import load, with_functions
from klr.types import ATTACHMENT, MAIL
from klr.vocabulary import Function, Property

WORDS = with_functions(VOCABULARY)
DECLARED: list[Function | Property] = [*WORDS.functions.values(), *WORDS.properties.values(), *WORDS.members.values()]
COWORKER = """coworker "Example"
may read "~/**"
may remove "~/In/*"
may write "~/**"
may notify
setting suppliers: list of text = ["Acme", "Globex"]
when file arrives in "~/In"
  let filed = files in "~/Documents/**"
  EXAMPLE
  notify "{count of suppliers} {count of filed}"
end
test "it runs"
  given now DATE
  given file "~/In/Acme 1.txt" with text "Total 5" modified 2026-03-01
  when file arrives "~/In/Acme 1.txt"
  expect notice "2 0"
end
"""


OF_MAIL = """coworker "Example"
may receive mail from "work"
may notify
when mail arrives in "work"
  for each paper in mail.attachments
    EXAMPLE
    notify "{paper.name}"
  end
end
test "it runs"
  given now DATE
  given mail "work" with sender "billing@example.com" with subject "Invoice" with attachment "a.pdf"
  when mail arrives "work"
  expect notice "a.pdf"
end
"""


@pytest.mark.parametrize(
    "declared", DECLARED, ids=lambda d: f"{type(d).__name__} {d.name} {getattr(d, 'prepositions', '')}"
)
def test_each_example_runs(declared: Function | Property) -> None:
    assert declared.doc.endswith(".")
    example = declared.example
    line = example if example.startswith("notify ") else f"let example = {example}"
    of_mail = isinstance(declared, Property) and declared.of in (MAIL, ATTACHMENT)
    text = (
        (OF_MAIL if of_mail else COWORKER).replace("EXAMPLE", line).replace("DATE", f"{datetime(2026, 3, 9):%Y-%m-%d}")
    )
    loaded = load(text, VOCABULARY)
    assert [found.message for found in loaded.errors] == []
    assert loaded.program is not None
    assert [result.failures for result in run_tests(loaded.program, VOCABULARY)] == [()]


def test_a_test_can_be_given_a_time_zone() -> None:
    text = """coworker "x"
may notify
when asked
  notify "{now + 1 hour} {time of now in "UTC"} {now > now - 1 hour} {now between now - 1 hour and now}"
end
test "the clocks change"
  given now 2026-03-29 01:30
  given zone "Europe/Berlin"
  when asked
  expect notice "2026-03-29 03:30 00:30 yes yes"
end
test "they do not"
  given now 2026-03-29 01:30
  when asked
  expect notice "2026-03-29 02:30 01:30 yes yes"
end
"""
    loaded = load(text, VOCABULARY)
    assert loaded.program is not None
    assert [result.failures for result in run_tests(loaded.program, VOCABULARY)] == [(), ()]
    wrong = load(text.replace("Europe/Berlin", "Europe/Atlantis"), VOCABULARY)
    assert [found.code for found in wrong.errors] == ["K506"]
