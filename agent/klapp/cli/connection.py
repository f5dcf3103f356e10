"""Where a command's answers come from: the agent that runs, or, where none does, one made for this command."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Protocol

from klapp import rpc
from klapp.cli.output import Complaint, say
from klapp.cli.session import session_of
from klapp.home import Home, HomeError


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

        return answer(self.agent, method, arguments | _session(self.agent.home))

    def stream(self, method: str, **arguments: Any) -> Iterator[Any]:
        yield from self.call(method, **arguments)


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

        with acting("command line"), open_agent(options, home) as agent:
            yield _Own(agent)
        return
    yield _Running(home)


@contextmanager
def open_agent(options: argparse.Namespace, home: Home) -> Iterator[Any]:
    """An agent in this process, its vault unlocked."""
    from klapp.agent import Agent
    from klapp.notices import best
    from klapp.vault.keys import open_vault

    vault = open_vault(home.path, passphrase_of(options), use_keyring=keyring_allowed())
    with closing(vault), Agent(home, vault, best(say)) as agent:
        yield agent


def passphrase_of(options: argparse.Namespace) -> Callable[[str], str] | None:
    """Where the passphrase comes from; None where there is none."""
    from klapp.vault.passphrase import passphrase_from

    return passphrase_from(getattr(options, "passphrase_fd", None), os.environ, prompt=True)


def keyring_allowed() -> bool:
    """Whether the system's keyring may be used."""
    return os.environ.get("KLAPP_KEYRING") != "off"
