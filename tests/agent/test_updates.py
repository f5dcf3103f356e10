"""Whether there is a newer klapp: a real HTTPS server with an authority of its own, real signatures, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from installers.release import new_key, open_key, sign, statement

from klapp.agent import Agent
from klapp.audit.events import NetworkContact, UpdateChecked
from klapp.network import Broker
from klapp.service import Service
from klapp.signednote import BadNote, Verifier
from klapp.updates import Release, Untrusted, newer, place_of
from klapp.updates.asker import LEAST, Asker
from klapp.updates.source import FILE, LARGEST
from klapp.updating import AGAIN, SOONER, SPREAD, how_to
from tests.agent.hosts import certificates, host, ok, raw
from tests.agent.house import NOW, House
from tests.desktop.conftest import until

PASSPHRASE = b"seven blue herons"
SECRET, VERIFIER = new_key("klapp-releases", PASSPHRASE)
KEY = open_key(SECRET, PASSPHRASE)[1]
INSTALLER = b"an installer"
SUM = hashlib.sha256(INSTALLER).hexdigest()
LATER = (NOW + timedelta(days=30)).date().isoformat()
RELEASE = Release(
    7, "9.1.0", "9.0.0", "2026-11-19", LATER, "Faster, and a hole is closed.", {"klapp_9.1.0_amd64.deb": SUM}
)


@dataclass
class Publisher:
    """A server that publishes what ``says`` holds, and how klapp is told of it."""

    place: str
    broker: Broker
    says: bytes = b""

    def publish(self, release: Release) -> None:
        self.says = sign(release, VERIFIER, KEY).encode()


@contextmanager
def publishing(folder: Path) -> Iterator[Publisher]:
    server, trusting = certificates(folder)
    published = Publisher("", Broker(context=trusting, seconds=20))
    with host(lambda request, wire: ok(published.says)(request, wire), server) as served:
        published.place = f"{served.origin}/"
        published.publish(RELEASE)
        yield published


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    with publishing(tmp_path) as published:
        yield published


def told_of(agent: Agent, publisher: Publisher, key: str = str(VERIFIER)) -> Agent:
    agent.updates("change", name="place", value=publisher.place)
    agent.updates("change", name="key", value=key)
    return agent


@pytest.fixture
def agent(house: House, publisher: Publisher) -> Iterator[Agent]:
    house.broker = publisher.broker
    with house.agent(sandboxed=False) as agent:
        yield told_of(agent, publisher)


def logged(agent: Agent, kind: str) -> list[dict[str, Any]]:
    agent.log_store.flush()
    return [entry.body for entry in agent.log_store.select("e.kind = ? ORDER BY e.seq", (kind,))]


def test_what_is_new_is_told_logged_and_stays_known(house: House, publisher: Publisher, agent: Agent) -> None:
    assert agent.updates("status")["found"] is None
    told = agent.updates("check")
    assert told["result"] == "newer"
    assert told["sentence"] == f"klapp 9.1.0 is there, and closes a hole in {agent.updating.version}."
    assert told["found"]["security"]
    assert told["found"]["notes"] == RELEASE.notes
    [checked] = logged(agent, UpdateChecked.kind)
    assert (checked["place"], checked["result"], checked["newest"]) == (publisher.place, "newer", "9.1.0")
    [contact] = logged(agent, NetworkContact.kind)
    assert contact["coworker"] == "klapp"
    assert contact["host"] == publisher.place.rstrip("/")
    assert contact["received"] == len(publisher.says)
    agent.close()
    with house.agent(sandboxed=False) as again:
        assert again.updates("status")["found"]["version"] == "9.1.0"


def test_nobody_is_asked_until_a_place_and_a_key_are_named(house: House, publisher: Publisher) -> None:
    house.broker = publisher.broker
    with house.agent(sandboxed=False) as agent:
        for name, value in (("", ""), ("place", publisher.place)):
            if name:
                agent.updates("change", name=name, value=value)
            with pytest.raises(ValueError, match="does not know whom to ask"):
                agent.updates("check")
            with pytest.raises(ValueError, match="First name the place"):
                agent.updates("change", name="every", value="week")
        assert logged(agent, NetworkContact.kind) == []
        assert agent.updating.due() is None


def test_a_version_that_is_here_already_is_no_news(publisher: Publisher, agent: Agent) -> None:
    version = agent.updating.version
    publisher.publish(replace(RELEASE, version=version, secure=version))
    assert agent.updates("check") == {"result": "current", "sentence": f"klapp {version} is the newest.", "found": None}


def test_who_has_no_hole_is_not_hurried(publisher: Publisher, agent: Agent) -> None:
    publisher.publish(replace(RELEASE, secure=agent.updating.version))
    told = agent.updates("check")
    assert not told["found"]["security"]
    assert "hole" not in told["sentence"]


def test_what_is_older_forged_over_or_of_another_key_is_refused(publisher: Publisher, agent: Agent) -> None:
    assert agent.updates("check")["result"] == "newer"
    other_secret, other = new_key("klapp-releases", PASSPHRASE)
    other_key = open_key(other_secret, PASSPHRASE)[1]
    whole = sign(replace(RELEASE, number=8), VERIFIER, KEY)
    cases = {
        "It is older than what was there before": sign(replace(RELEASE, number=6, version="9.2.0"), VERIFIER, KEY),
        "under the same number": sign(replace(RELEASE, version="9.2.0"), VERIFIER, KEY),
        "It held until": sign(replace(RELEASE, number=8, expires="2026-11-19"), VERIFIER, KEY),
        "was not signed by klapp-releases": sign(replace(RELEASE, number=8), other, other_key),
        "not signed": whole.replace("9.1.0", "9.9.0"),
        "no signed note": whole.replace("\n\n", "\n"),
        "It is no statement": VERIFIER.signed("[1]\n", KEY.sign(b"[1]\n")),
    }
    for words, says in cases.items():
        publisher.says = says.encode()
        told = agent.updates("check")
        assert told["result"] == "refused", words
        assert words in told["sentence"]
    assert [one["result"] for one in logged(agent, UpdateChecked.kind)] == ["newer"] + ["refused"] * len(cases)
    assert agent.updates("status")["found"]["version"] == "9.1.0", "what was known stays known"
    publisher.publish(replace(RELEASE, number=8, version="9.1.1"))
    assert agent.updates("check")["found"]["version"] == "9.1.1"


def test_what_held_once_is_said_to_hold_no_more(publisher: Publisher, agent: Agent) -> None:
    agent.updates("check")
    assert not agent.updates("status")["found"]["over"]
    agent.updating._clock = lambda: NOW + timedelta(days=31)
    assert agent.updates("status")["found"]["over"]
    with pytest.raises(ValueError, match="Ask anew"):
        agent.updates("verify", name="x", sha256=SUM)
    assert agent.updates("check")["result"] == "refused"


def test_hosts_that_can_not_be_reached_or_believed(publisher: Publisher, agent: Agent, tmp_path: Path) -> None:
    publisher.says = b"x" * (LARGEST + 1)
    told = agent.updates("check")
    assert told["result"] == "failed"
    assert told["sentence"].endswith("answered with more than 65 KB.")
    publisher.says = b"\xff\xfe"
    assert agent.updates("check")["result"] == "failed"
    agent.updating._broker = Broker()  # which does not trust that authority
    assert "can not prove that it is that host" in agent.updates("check")["sentence"]
    server, trusting = certificates(tmp_path)
    agent.updating._broker = Broker(context=trusting)
    with host(
        raw(b"HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n"), server
    ) as away:
        agent.updates("change", name="place", value=f"{away.origin}/")
        assert "leads to another host" in agent.updates("check")["sentence"]
    assert agent.updates("check")["result"] == "failed", "there is nobody any more"
    assert {one["result"] for one in logged(agent, UpdateChecked.kind)} == {"failed"}
    assert agent.updates("status")["found"] is None


def test_a_folder_of_an_office_does_as_well(house: House, publisher: Publisher, agent: Agent, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    agent.updates("change", name="place", value=str(mirror))
    assert "can not be read: No such file" in agent.updates("check")["sentence"]
    (mirror / FILE).write_bytes(publisher.says)
    (mirror / "klapp_9.1.0_amd64.deb").write_bytes(INSTALLER)
    assert agent.updates("check")["result"] == "newer"
    assert logged(agent, NetworkContact.kind) == []
    path = str(mirror / "klapp_9.1.0_amd64.deb")
    assert how_to(str(mirror), ["klapp_9.1.0_amd64.deb"]) == [
        f"Look whether it is what was signed: klapp update verify {path}",
        f"Then quit klapp, and: sudo apt install {path}",
    ]
    (mirror / FILE).write_bytes(b"x" * (LARGEST + 1))
    assert "is larger than any statement" in agent.updates("check")["sentence"]
    (mirror / FILE).unlink()
    os.mkfifo(mirror / FILE)  # nobody writes to it, and nobody waits
    assert "is no file" in agent.updates("check")["sentence"]


def test_an_installer_is_what_was_signed_or_it_is_not(agent: Agent) -> None:
    with pytest.raises(ValueError, match="knows of no release yet"):
        agent.updates("verify", name="x.deb", sha256=SUM)
    agent.updates("check")
    told = agent.updates("verify", name="renamed.deb", sha256=SUM)
    assert told["fine"]
    assert told["sentence"] == "renamed.deb is klapp_9.1.0_amd64.deb of klapp 9.1.0, as klapp-releases signed it."
    told = agent.updates("verify", name="klapp_9.1.0_amd64.deb", sha256=hashlib.sha256(b"another").hexdigest())
    assert not told["fine"]
    assert "Do not install it." in told["sentence"]


def test_another_key_knows_nothing_of_what_the_first_has_said(publisher: Publisher, agent: Agent) -> None:
    agent.updates("check")
    secret, other = new_key("office", PASSPHRASE)
    agent.updates("change", name="key", value=str(other))
    assert agent.updates("status")["found"] is None
    publisher.says = sign(replace(RELEASE, number=1), other, open_key(secret, PASSPHRASE)[1]).encode()
    assert agent.updates("check")["result"] == "newer"
    agent.updates("change", name="key", value=str(VERIFIER))
    publisher.publish(replace(RELEASE, number=1))
    assert agent.updates("check")["result"] == "refused", "there and back is no way around"


def test_once_a_week_where_a_person_says_so(house: House, publisher: Publisher, agent: Agent) -> None:
    assert agent.updates("status")["every"] == "never"
    agent.updates("change", name="every", value="week")
    updating = agent.updating
    assert updating.due() == NOW
    updating.ask(asked=False)
    due = updating.due()
    assert due is not None
    assert AGAIN <= due - NOW < AGAIN + timedelta(seconds=SPREAD)
    updating.ask(asked=False)
    publisher.says = b"\xff"
    updating.ask(asked=False)
    sooner = updating.due()
    assert sooner is not None
    assert SOONER <= sooner - NOW < SOONER + timedelta(seconds=SPREAD)
    assert [title for title, _ in house.told.notices] == ["klapp"], "each version once, and no word of what failed"
    updating._clock = lambda: NOW - timedelta(days=400)
    assert updating.due() == NOW - timedelta(days=400), "a clock that was set back does not put it off"
    agent.updates("change", name="key", value="none")
    assert updating.due() is None, "nobody could be believed"
    agent.updates("change", name="key", value=str(VERIFIER))
    assert updating.due() is not None
    agent.updates("change", name="every", value="never")
    assert updating.due() is None
    with pytest.raises(ValueError, match="every week, or never"):
        agent.updates("change", name="every", value="hour")


def test_who_asks_is_told_and_a_forgery_is_unusual(house: House, publisher: Publisher, agent: Agent) -> None:
    for says in (b"\xff", sign(RELEASE, VERIFIER, KEY).replace("Faster", "Slower").encode(), publisher.says):
        publisher.says = says
        agent.updating.ask(asked=True)
    texts = [text for _, text in house.told.notices]
    assert "is no statement about a release" in texts[0]
    assert "is not to be trusted" in texts[1]
    assert "closes a hole" in texts[2]
    kinds = [one["about"] for one in agent.notices("newest")]
    assert kinds == ["update", "anomaly", "message"]


def test_the_tray_shows_it_first_until_it_is_skipped(house: House, publisher: Publisher, agent: Agent) -> None:
    with Service(agent, lambda _: None) as service:
        assert service.overview()["update"] is None
        service.act("check_updates", ())
        until(lambda: service.overview()["update"], "the update")
        assert service.overview()["state"] == "needs you"
        until(lambda: house.told.notices, "the notice")
        service.act("skip_update", ("9.1.0",))
        assert service.overview()["update"] is None
        assert agent.updates("status")["found"]["skipped"]


def test_the_asker_asks_when_it_is_due_and_stops() -> None:
    now, asked = [NOW], list[bool]()
    dues: list[datetime | None] = [NOW - timedelta(days=1), NOW - timedelta(days=1), NOW + timedelta(days=7), None]
    asker = Asker(lambda: dues.pop(0) if dues[1:] else dues[0], asked.append, lambda: now[0])
    asker.set()
    until(lambda: asked == [False], "the first time")
    until(lambda: asker._timer is not None and asker._timer.interval >= LEAST, "the wait for the next")
    asker.now()
    until(lambda: asked == [False, True], "the person's")
    asker.stop()
    assert asker._timer is None
    asker.set()
    assert asker._timer is None


@pytest.mark.parametrize(
    "bad", ["http://klapp.example/", "https://", "ftp://x/", "klapp.release", "https://a@b/", "/a\0b", ""]
)
def test_places_that_are_none(bad: str) -> None:
    with pytest.raises(ValueError, match=r"https://|web address"):
        place_of(bad, "/home/anna")


def test_places_have_one_form() -> None:
    assert place_of("HTTPS://Klapp.Example:443", "/home/anna") == "https://klapp.example/"
    assert place_of("~/mirror/", "/home/anna") == "/home/anna/mirror"


VERSIONS = st.lists(st.integers(0, 10**6), min_size=2, max_size=4).map(lambda parts: ".".join(map(str, parts)))
SUMS = st.dictionaries(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,40}", fullmatch=True), st.just(SUM), max_size=4)
DAYS = st.dates().map(date.isoformat)
NOTES = st.text(st.characters(categories=("L", "N", "P", "S"), include_characters=" "), max_size=200)


@given(st.integers(1, 2**53 - 1), VERSIONS, VERSIONS, DAYS, DAYS, NOTES, SUMS)
def test_a_statement_is_read_as_it_was_written(
    number: int, one: str, other: str, released: str, expires: str, notes: str, sums: dict[str, str]
) -> None:
    version, secure = (one, other) if newer(one, other) else (other, one)
    release = Release(number, version, secure, released, expires, notes, sums)
    assert Release.of_text(release.text()) == release
    assert newer(one, other) + newer(other, one) <= 1


@given(st.data())
def test_no_change_of_a_note_is_believed(data: st.DataObject) -> None:
    note = sign(RELEASE, VERIFIER, KEY)
    at = data.draw(st.integers(0, len(note) - 1))
    changed = note[:at] + data.draw(st.text(max_size=3)) + note[at + data.draw(st.integers(0, 3)) :]
    if changed != note:
        try:
            believed = Release.of_note(changed, VERIFIER)
        except Untrusted:
            return
        assert believed == RELEASE, "another signature may stand beside it, and no more"


@pytest.mark.parametrize("change", [{"number": True}, {"number": 0}, {"version": "9"}, {"secure": "10.0.0"}, {"expires": "soon"},
    {"expires": "20270101"}, {"notes": "a\nb"}, {"notes": "x" * 2001}, {"installers": {"../x": SUM}}, {"installers": {"x": "0"}},
    {"installers": []}, {"released": 5}, {"format": 2}, {"more": 1}])  # fmt: skip
def test_a_part_that_is_wrong_is_refused_though_it_is_signed(change: dict[str, Any]) -> None:
    whole = json.loads(RELEASE.text()) | change
    text = json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"
    with pytest.raises(Untrusted):
        Release.of_note(VERIFIER.signed(text, KEY.sign(text.encode())), VERIFIER)


def test_keys_are_read_as_they_are_written() -> None:
    assert Verifier.of(str(VERIFIER)) == VERIFIER
    for bad in ("", str(VERIFIER)[:-1], str(VERIFIER).replace("klapp", "other"), f"{VERIFIER}\n", "a+b+c"):
        with pytest.raises(BadNote):
            Verifier.of(bad)


def test_a_maintainers_key_is_sealed_and_its_statement_is_of_today(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"."):
        open_key(SECRET, b"another passphrase")
    installer = tmp_path / "klapp-9.1.0-setup.exe"
    installer.write_bytes(INSTALLER)
    release = statement("9.1.0", "9.0.0", "New.", 10, [installer])
    assert dict(release.installers) == {installer.name: SUM}
    assert date.fromisoformat(release.expires) - date.fromisoformat(release.released) == timedelta(days=10)
    with pytest.raises(ValueError, match="same name"):
        statement("9.1.0", "9.0.0", "", 10, [installer, installer])
