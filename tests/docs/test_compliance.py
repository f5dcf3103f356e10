"""Each command that the compliance page names is run, on a log of some work, and shows what the page claims for it."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from threading import RLock
from unittest import mock

import pytest

from klapp.account.moments import Moment, now
from klapp.cli.main import main
from klapp.vault.database import connect
from klapp.vault.keys import open_vault
from klapp.vault.shelf import Shelf
from tests.agent.house import CHEAP
from tests.agent.test_cli import Terminal

PAGE = (Path(__file__).parents[2] / "docs" / "compliance.md").read_text(encoding="utf-8")
COMMANDS = sorted(
    {shown for row in re.findall(r"^\|.*\|$", PAGE, re.MULTILINE) for shown in re.findall(r"`(klapp [^`]*)`", row)}
)
PASSWORD = "seven blue herons by the lake"
CODE = r"[0-9A-Z]{5}(-[0-9A-Z]{5}){7}"
SHOWN = {
    "klapp permissions FILE": r"may do what it needs, and nothing else",
    "klapp check FILE": r"",
    "klapp list": r"ready +Filer",
    "klapp network show": r"[Nn]othing|[Nn]o ",
    "klapp undo RUN": r"[Rr]un \d+",
    "klapp explain RUN": r"Anna Miller[\s\S]*line|line[\s\S]*Anna Miller",
    "klapp replay RUN": r"same",
    "klapp vault status": r"encrypted[\s\S]*password",
    "klapp vault recovery-key": CODE,
    "klapp account status": r"account of Anna, open",
    "klapp audit verify": r"as they were written",
    "klapp audit prove ENTRY": r'"proof"',
    "klapp audit retain --days N": r"for 3,650 days",
    "klapp audit show": r"was allowed to",
    "klapp audit show --since DATE": r"was allowed to",
    "klapp audit show --kind approved": r"read ~/In/\*",
    "klapp audit show --kind login": r"let in[\s\S]*refused|refused[\s\S]*let in",
    "klapp audit show --kind logout": r"idle|asked",
    "klapp audit show --kind lockout": r"after 5 failures",
    "klapp audit show --kind network": r"^(?![\s\S]*in contact)",
    "klapp audit show --kind notice": r"Anna Miller",
    'klapp audit show --kind "vault opened"': r"opened by recovery",
    'klapp audit show --kind "key used"': r"recovery key",
    'klapp audit show --kind "rules changed"': r"\+.*Files papers",
    'klapp audit show --kind "setting changed"': r"from 2000 bytes to 1000 bytes",
    "klapp audit export": r"approved",
    "klapp audit export --format csv": r"^entry,time,",
    "klapp audit export --format html": r"<html[\s\S]*audit report",
    "klapp audit export --format ocsf": r'"version": "1\.8\.0"',
    "klapp audit export --subject NAME --format json": r"Anna Miller",
    "klapp audit export --subject NAME": r"Anna Miller",
    "klapp audit erase --subject NAME": r"[Ee]rased",
    "klapp audit erase --coworker NAME": r"[Ee]rased",
}
"""What each command must say. One that erases is run last."""
COWORKER = """coworker "Filer"
about "{about}"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/*"
may notify
setting large: size = 2 KB shown as "Tell me above this"

when file arrives in "~/In"
  if file.size > large
    skip "too large"
  end
  notify "filed {{file.name}}"
  move file to "~/Out/"
end
"""


class Office(Terminal):
    """A klapp that has worked for an account's owner. Its commands are run in this process, which is the faster."""

    def __call__(self, *arguments: str, code: int = 0, **_: object) -> str:
        said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with (
            pytest.MonkeyPatch.context() as patch,
            mock.patch.dict(os.environ, self.env, clear=True),
            redirect_stdout(said),
            redirect_stderr(said),
        ):
            patch.setattr("klapp.vault.memory.harden", lambda: None)  # it would hold for this process, too
            patch.setattr("klapp.vault.keys.Cost", lambda: CHEAP)
            patch.setattr("sys.stdin", io.StringIO())
            ended = main(arguments)
        said.seek(0)
        text = said.read()
        assert ended == code, text
        return text

    def typed(self, *lines: str) -> tuple[str, int]:
        """A file descriptor that gives these lines, once."""
        reading, writing = os.pipe()
        os.write(writing, "".join(f"{line}\n" for line in lines).encode())
        os.close(writing)
        return "--password-fd", reading

    def login(self, *words: str, password: str = PASSWORD, code: int = 0) -> None:
        flag, reading = self.typed(password)
        self(*words, flag, str(reading), code=code)  # which closes it


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    klapp = Office(tmp_path_factory.mktemp("office"))
    path = klapp.state / "coworkers" / "filer.klr"
    path.write_text(COWORKER.format(about="Files."))
    klapp("approve", "filer", "--yes")
    klapp("settings", "filer", "large", "1 KB")
    path.write_text(COWORKER.format(about="Files papers."))
    (klapp.person / "In" / "Anna Miller.txt").write_text("a letter")
    assert "done" in klapp("run", "filer")
    klapp.login("account", "create", "--name", "Anna")
    for _ in range(5):
        klapp.login("unlock", password="nine red herons by the lake", code=1)
    return klapp


def test_the_page_claims_no_certification_and_names_what_is_not_covered() -> None:
    assert "klapp has no\ncertification, and none is claimed here" in PAGE
    assert PAGE.count("Not covered:") >= 2
    assert set(COMMANDS) == set(SHOWN), "each command of the page is one that is tried, and the other way round"


def test_each_command_shows_what_the_page_claims(office: Office) -> None:
    recovery = re.search(CODE, office("vault", "recovery-key", code=1))
    assert recovery is None, "the account locks that"
    wait(office)
    office.login("unlock")
    found = [json.loads(line) for line in office("log", "--format", "json").splitlines()]
    values = {"FILE": str(office.state / "coworkers" / "filer.klr"), "RUN": str(found[0]["run"]), "ENTRY": "3"}
    values |= {"N": "3650", "DATE": "2026-01-01"}
    wrong: list[str] = []
    last = sorted((command for command in COMMANDS if " erase " in command or " undo " in command), reverse=True)
    first = ["klapp vault recovery-key"]
    for command in [*first, *(command for command in COMMANDS if command not in first + last), *last]:
        name = "Filer" if "--coworker" in command else "Anna Miller"
        words = [values.get(word, name if word == "NAME" else word) for word in shlex.split(command)[1:]]
        said = office(*words, *(["--yes"] if "erase" in words else []))
        if not re.search(SHOWN[command], said):
            wrong.append(f"{command}\n{said}")
        if key := re.search(CODE, said):  # it is used once, so that its use is in the log
            passphrase = office.passphrase.read_text()
            office.passphrase.write_text(key[0])
            office("list")
            office.passphrase.write_text(passphrase)
            office("lock")
            office.login("unlock")
    assert not wrong, "\n".join(wrong)
    assert "Anna" not in office("audit", "export", "--format", "json", "--coworker", "Filer")
    assert "as they were written" in office("audit", "verify")


def wait(office: Office) -> None:
    """Have the wait behind the failed logins be over, as a restart of the machine long ago would."""
    vault = open_vault(office.state, lambda _: office.passphrase.read_text().strip(), use_keyring=False, cost=CHEAP)
    connection = connect(office.state / "klapp.db", vault.key("log"))
    shelf, moment = Shelf(connection, RLock()), now()
    failures = shelf.get("account:failures")
    shelf.put("account:failures", failures | {"last": Moment(moment.boot, moment.seconds - 3600).to_json()})
    connection.close()
