"""What left the machine, and the secrets that may: the part of the agent's facade behind ``klapp network`` and ``secret``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from klapp.audit.events import NetworkContact, SecretSet
from klapp.audit.log import Log
from klapp.coworkers.store import Coworkers, NoCoworker
from klapp.vault.secrets import Secrets
from klr.permissions import may_line
from klr.program import Grant


class Networking:
    """Asks of one log and one set of secrets. Takes and gives data that JSON can hold; raises NoCoworker or ValueError
    with a sentence for a person. A secret's value goes in and never comes out."""

    METHODS = frozenset({"contacts", "seen", "secrets", "set_secret", "remove_secret"})

    def __init__(self, log: Log, coworkers: Coworkers, secrets: Secrets) -> None:
        self._log = log
        self._coworkers = coworkers
        self._secrets = secrets

    def contacts(self, name: str | None = None) -> list[dict[str, Any]]:
        """Every contact with another machine that the log knows of, oldest first: when, which coworker, which host,
        what came of it, and how many bytes of bodies went out and came in."""
        self._coworkers.reload()
        wanted = self._coworkers.find(name).name if name is not None else None
        return [
            {"at": datetime.fromtimestamp(entry.at / 1e9, UTC).isoformat(), **entry.body}
            for entry in self._log.select("e.kind = ? ORDER BY e.seq", (NetworkContact.kind,))
            if wanted is None or entry.body.get("coworker") == wanted
        ]

    def seen(self, name: str | None = None) -> list[dict[str, Any]]:
        """By coworker, what it may reach and what it did reach: {"coworker", "hosts", "has", "proposed"}.

        ``hosts`` is a list of {"host", "granted", "contacts", "sent", "received", "first", "last"}; ``has`` are its `may`
        lines about hosts, ``proposed`` those that are enough for what was seen: the same without hosts that were never
        asked for anything. A coworker without network and without contacts is left out.
        """
        contacts = self.contacts(name)
        wanted = [self._coworkers.find(name)] if name is not None else self._coworkers.all()
        programs = {one.name: one.program for one in wanted}
        names = dict.fromkeys([*programs, *(str(one.get("coworker", "")) for one in contacts)])
        told = []
        for coworker in names:
            program = programs.get(coworker)
            grants = [grant for grant in program.grants if _hosts(grant)] if program else []
            hosts = {host: _unseen(host, granted=True) for grant in grants for host in _hosts(grant)}
            for one in contacts:
                if one.get("coworker", "") == coworker:
                    host = str(one.get("host", "(erased)"))
                    _count(hosts.setdefault(host, _unseen(host, granted=False)), one)
            used = {host for host, one in hosts.items() if one["contacts"]}
            if hosts:
                told.append(
                    {
                        "coworker": coworker,
                        "hosts": list(hosts.values()),
                        "has": _lines(grants, set(hosts)),
                        "proposed": _lines(grants, used),
                    }
                )
        return told

    def secrets(self) -> list[dict[str, Any]]:
        """Every secret that a coworker names or that has a value: its name, host, label, coworkers, whether it is set."""
        self._coworkers.reload()
        known = set(self._secrets.known())
        told = {key: _told(*key, is_set=True) for key in known}
        for coworker in self._coworkers.all():
            for secret in coworker.program.secrets.values() if coworker.program else ():
                key = secret.host, secret.name
                one = told.setdefault(key, _told(*key, is_set=key in known))
                one["label"] = secret.label
                one["coworkers"].append(coworker.name)
        return [told[key] for key in sorted(told)]

    def set_secret(self, name: str, value: str, host: str | None = None) -> dict[str, Any]:
        """Give a secret its value, for the host that the coworkers which name it say."""
        one = self._one(name, host)
        with self._log.transaction():
            self._log.record(SecretSet(name, one["host"], "given a value"))
            self._secrets.put(one["host"], name, value)
        return one | {"set": True}

    def remove_secret(self, name: str, host: str | None = None) -> dict[str, Any]:
        """Forget the value of a secret."""
        one = self._one(name, host)
        with self._log.transaction():
            self._log.record(SecretSet(name, one["host"], "removed"))
            if not self._secrets.delete(one["host"], name):
                raise NoCoworker(f"The secret {name} has no value.")
        return one | {"set": False}

    def _one(self, name: str, host: str | None) -> dict[str, Any]:
        found = [one for one in self.secrets() if one["name"] == name and host in (None, one["host"])]
        if not found:
            raise NoCoworker(
                f'No coworker names a secret {name}. Write it into one first: secret {name} for "https://..."'
            )
        if len(found) > 1:
            hosts = ", ".join(one["host"] for one in found)
            raise NoCoworker(f"There are several secrets {name}: for {hosts}. Say which one with --for.")
        return found[0]


def _hosts(grant: Grant) -> tuple[str, ...]:
    """The hosts that a `may` line is about."""
    return grant.patterns if grant.permission == "contact" else grant.to


def _lines(grants: Sequence[Grant], hosts: set[str]) -> list[str]:
    """The `may` lines that remain of these where only these hosts may be reached."""
    lines = []
    for grant in grants:
        left = [host for host in _hosts(grant) if host in hosts]
        if grant.permission == "contact":
            lines.extend([may_line(grant.permission, left)] if left else [])
        else:
            lines.extend(may_line(grant.permission, grant.patterns, host) for host in left)
    return lines


def _unseen(host: str, *, granted: bool) -> dict[str, Any]:
    return {"host": host, "granted": granted, "contacts": 0, "sent": 0, "received": 0, "first": None, "last": None}


def _count(host: dict[str, Any], contact: Mapping[str, Any]) -> None:
    """Add one contact to what was seen of a host."""
    host["contacts"] += 1
    host["sent"] += contact.get("sent", 0)
    host["received"] += contact.get("received", 0)
    host["first"] = host["first"] or contact["at"]
    host["last"] = contact["at"]


def _told(host: str, name: str, *, is_set: bool) -> dict[str, Any]:
    return {"name": name, "host": host, "label": name, "coworkers": [], "set": is_set}
