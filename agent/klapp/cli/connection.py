"""Where a command's answers come from: the agent that runs, or, where none does, one made for this command."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from klapp import rpc
from klapp.cli.output import Complaint, say
from klapp.cli.session import session_of
from klapp.home import Home, HomeError

if TYPE_CHECKING:
    from klapp.vault.keys import Vault


class Source(Protocol):
    """Answers to a facade's methods."""

    def call(self, method: str, **arguments: Any) -> Any:
        """One answer."""

    def stream(self, method: str, **arguments: Any) -> Iterator[Any]:
        """The items of an answer that comes in pieces."""


class _Running:
    """The agent in another process."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def call(self, method: str, **arguments: Any) -> Any:
        try:
            return rpc.call(self.home.path, method, arguments | _session(self.home))
        except rpc.RpcError as error:
            raise Complaint(str(error)) from error

    def stream(self, method: str, **arguments: Any) -> Iterator[Any]:
        try:
            yield from rpc.stream(self.home.path, method, arguments | _session(self.home))
        except rpc.RpcError as error:
            raise Complaint(str(error)) from error


class _Own:
    """An agent in this process."""

    def __init__(self, agent: Any) -> None:
        self.agent = agent

    def call(self, method: str, **arguments: Any) -> Any:
        from klapp.gate import answer

        try:
            return answer(self.agent, method, arguments | _session(self.agent.home))
        except ValueError as error:
            if type(error) is not ValueError:  # one of klapp's own, which says itself what it is
                raise
            raise Complaint(str(error)) from error  # the facade's sentence for a person

    def stream(self, method: str, **arguments: Any) -> Iterator[Any]:
        yield from self.call(method, **arguments)


class _Damaged:
    """A log beside which klapp's own state can not be read: it can be verified, and nothing else can be done."""

    def __init__(self, home: Home, vault: Vault, closing: ExitStack, error: Exception) -> None:
        from klapp.audit.log import Log
        from klapp.audit.witness import Witnesses
        from klapp.auditing import Auditing
        from klapp.files.kept import PURPOSE, Keeper

        self._error = error
        log = closing.enter_context(Log.open(home.database, vault.key("log")))
        witnesses = Witnesses(log, vault.ring if vault.by == "keyring" else None)
        self._auditing = Auditing(log, witnesses, Keeper(home.kept, vault.key(PURPOSE)), lambda *_: None)

    def call(self, method: str, **arguments: Any) -> Any:
        raise self._error

    def stream(self, method: str, **arguments: Any) -> Iterator[Any]:
        what = arguments.pop("what", None)
        if (method, what) != ("audit", "verify"):
            raise self._error
        return self._auditing.verify(**arguments)


def _session(home: Home) -> dict[str, str]:
    """What tells the agent who has logged in, if anybody has."""
    token = session_of(home)
    return {"session": token} if token else {}


def home_of(options: argparse.Namespace) -> Home:
    """The state folder, ready to use; raises Complaint where it can not be."""
    try:
        return Home.of(os.environ).prepare()
    except HomeError as error:
        raise Complaint(str(error)) from error


@contextmanager
def connected(options: argparse.Namespace) -> Iterator[Source]:
    """The running agent, or one of our own for as long as the command takes."""
    home = home_of(options)
    try:
        rpc.call(home.path, "ping", {})
    except rpc.NoAgent:
        from klapp.audit.events import acting

        with acting("command line"), ExitStack() as closing:
            yield _own(options, home, closing)
        return
    yield _Running(home)


def _own(options: argparse.Namespace, home: Home, closing: ExitStack) -> Source:
    """An agent of our own or, where klapp's own state can not be read, what still can look into the log."""
    from klapp.agent import Agent
    from klapp.notices import best
    from klapp.vault.database import failures

    vault = closing.enter_context(_open_vault(options, home))
    try:
        return _Own(closing.enter_context(Agent(home, vault, best(say))))
    except failures() as error:
        return _Damaged(home, vault, closing, error)


@contextmanager
def open_agent(options: argparse.Namespace, home: Home) -> Iterator[Any]:
    """An agent in this process, its vault unlocked."""
    from klapp.agent import Agent
    from klapp.notices import best

    with _open_vault(options, home) as vault, Agent(home, vault, best(say)) as agent:
        yield agent


def _open_vault(options: argparse.Namespace, home: Home) -> closing[Vault]:
    from klapp.vault.keys import open_vault

    return closing(open_vault(home.path, passphrase_of(options), use_keyring=keyring_allowed()))


def passphrase_of(options: argparse.Namespace) -> Callable[[str], str] | None:
    """Where the passphrase comes from; None where there is none."""
    from klapp.vault.passphrase import passphrase_from

    return passphrase_from(getattr(options, "passphrase_fd", None), os.environ, prompt=True)


def keyring_allowed() -> bool:
    """Whether the system's keyring may be used."""
    return os.environ.get("KLAPP_KEYRING") != "off"
