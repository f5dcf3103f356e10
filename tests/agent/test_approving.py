"""What a person is asked before a coworker may, and what comes of each answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from klapp import gate
from klapp.account.errors import NeedsLogin
from klapp.agent import Agent
from klapp.cli.coworkers import review_in_words
from klapp.coworkers.store import NoCoworker
from klapp.service import Service
from tests.agent.house import House, reports

WIDE = """coworker "Sorter"
about "Sorts what comes in."
may read "~/In/*"
may remove "~/In/*"
may write "~/**"
may notify

when file arrives in "~/In"
  named "*.pdf"
  move file to "~/Out/{file.name}"
  notify "{file.name} is sorted"
end
"""


@pytest.fixture
def house(house: House) -> House:
    house.coworker(WIDE)
    return house


@pytest.fixture
def agent(house: House) -> Iterator[Agent]:
    with house.agent() as agent:
        yield agent


def test_a_review_says_all_there_is_to_know_and_does_nothing(house: House, agent: Agent) -> None:
    house.file("In/a.pdf", b"a")
    before = house.tree()
    review = agent.review("sorter")
    assert json.loads(json.dumps(review)) == json.loads(json.dumps(agent.review("sorter")))
    assert house.tree() == before
    assert list(agent.log()) == []
    assert (review["first"], review["state"]) == (True, "waiting")
    assert [(line["group"], line["words"]) for line in review["may"]] == [
        ("read", "read ~/In/*"),
        ("change", "create and change ~/**"),
        ("remove", "move away or trash ~/In/*"),
        ("tell", "show you notices"),
    ]
    assert not any(line["new"] for line in review["may"])
    assert review["starts"] == ('when file arrives in "~/In" named "*.pdf"',)
    assert "create and change ~/Out/*" in [line["words"] for line in review["narrower"]]
    [example] = review["examples"]
    assert example["outcome"] == "done"
    assert any("a.pdf" in sentence for sentence in example["effects"])
    told = "\n".join(review_in_words(review))
    assert "It may create and change\n  - ~/**" in told
    assert "nothing of this was done" in told


def test_what_is_new_is_marked(house: House, agent: Agent) -> None:
    agent.approve("sorter")
    house.coworker(WIDE.replace('may read "~/In/*"', 'may read "~/In/*", "~/More/*"'))
    review = agent.review("sorter")
    assert [line["words"] for line in review["may"] if line["new"]] == ["read ~/More/*"]
    assert not review["first"]


def test_narrower_writes_the_tightest_lines_and_allows_only_these(house: House, agent: Agent) -> None:
    house.file("In/a.pdf", b"a")
    review = agent.review("sorter")
    told = agent.approve("sorter", review["seen"], narrower=True)
    assert told["state"] == "ready"
    assert set(told["may"]) == {line["words"] for line in review["narrower"]}
    assert '"~/**"' not in (house.home.coworkers / "one.klr").read_text()
    assert agent.review("sorter")["narrower"] == ()
    assert [r["outcome"] for r in reports(agent.run("sorter"))] == ["done"]
    house.coworker(WIDE)
    assert agent.overview()[0]["state"] == "waiting"
    agent.approve("sorter", narrower=True)
    with pytest.raises(NoCoworker, match="does not need"):
        agent.approve("sorter", narrower=True)


def test_an_answer_is_for_what_was_seen_and_nothing_else(house: House, agent: Agent) -> None:
    seen = agent.review("sorter")["seen"]
    house.coworker(WIDE.replace('may read "~/In/*"', 'may read "~/**"'))
    with pytest.raises(NoCoworker, match="changed meanwhile"):
        agent.approve("sorter", seen)
    assert agent.overview()[0]["state"] == "waiting"


def test_no_means_no_until_it_changes(house: House, agent: Agent) -> None:
    told = agent.refuse("sorter")
    assert (told["state"], told["refused"]) == ("waiting", True)
    assert "said no" in told["why"]
    assert [e.body["coworker"] for e in agent.log_store.select("e.kind = ? ORDER BY e.seq", ("refused",))] == ["Sorter"]
    house.coworker(WIDE + "# more\n")
    assert not agent.overview()[0]["refused"]
    agent.refuse("sorter")
    assert agent.approve("sorter")["state"] == "ready"
    with pytest.raises(NoCoworker, match="asks for nothing"):
        agent.refuse("sorter")


def test_what_can_not_be_simulated_can_be_reviewed(house: House, agent: Agent) -> None:
    house.coworker(
        'coworker "Asker"\nmay notify\nwhen asked for name: text "Who?"\n  notify "hello {name}"\nend\n', "asker"
    )
    house.coworker("coworker", "broken")
    assert agent.review("Sorter")["no_example"]
    with pytest.raises(NoCoworker, match="has errors"):
        agent.review("broken")


def test_reviews_and_answers_are_locked_by_the_account(agent: Agent) -> None:
    agent.account.create("anna", "four words make a fine password")
    for method in ("review", "approve", "refuse"):
        with pytest.raises(NeedsLogin):
            gate.answer(agent, method, {"name": "sorter"})


def test_the_icon_allows_only_what_its_text_needs(agent: Agent) -> None:
    [asks] = agent.overview()
    assert asks["narrower"]
    Service(agent, lambda _: None).act("allow", (asks["name"], asks["seen"], True))
    [allowed] = agent.overview()
    assert allowed["state"] == "ready"
    assert not allowed["narrower"]
    assert any("~/Out/*" in line for line in allowed["may"])
    assert not any("~/**" in line for line in allowed["may"])
