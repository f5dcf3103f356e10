"""The command line's grammar: commands, their arguments and help."""

from __future__ import annotations

import argparse
import re
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from klapp.cli.audit_arguments import add_audit
from klapp.cli.usage import Parser
from klr.codes import CODE

_SPAN = re.compile(r"(\d+)([smhdw])")
_CLOCK = re.compile(r"\d{1,2}:\d\d")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parser() -> argparse.ArgumentParser:
    """The whole grammar. ``options.command`` names the command; None stands for the agent with its icon."""
    top = Parser(
        prog="klapp",
        description="Small, readable automations for your own files, proved to stay in their lane.",
        epilog="Without a command, klapp starts its agent in the tray. KLAPP_HOME names the folder that holds all of its state.",
    )
    top.add_argument("--version", action="store_true", help="say which version this is")
    top.add_argument(
        "--passphrase-fd", type=_descriptor, metavar="N", help="read the passphrase from this file descriptor"
    )
    commands: Commands[Any] = top.add_subparsers(dest="command", metavar="COMMAND")
    _language(commands)
    _coworkers(commands)
    _runs(commands)
    _vault(commands)
    _account(commands)
    return top


Commands = argparse._SubParsersAction  # argparse has no public name for it


def _add(
    commands: Commands[argparse.ArgumentParser], name: str, help: str, *, data: bool = False
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    # Accepted behind the command, too; there it must not overwrite what stood before it.
    command.add_argument(
        "--passphrase-fd", type=_descriptor, metavar="N", default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    if data:
        command.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    return command


def _language(commands: Commands[argparse.ArgumentParser]) -> None:
    check = _add(commands, "check", "check coworkers: their words, types and permissions")
    check.add_argument(
        "--format",
        choices=("text", "json", "sarif", "github"),
        default="text",
        help="how to print: for people, as JSON, as SARIF 2.1.0, or as commands for GitHub Actions (default: text)",
    )
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    fmt = _add(commands, "fmt", "put coworkers into the one style, keeping comments", data=True)
    fmt.add_argument("--check", action="store_true", help="only say which files are not in it")
    fmt.add_argument("files", nargs="+", type=Path, metavar="FILE")
    permissions = _add(
        commands, "permissions", "say what coworkers need to be allowed, beside what they are", data=True
    )
    permissions.add_argument("--fix", action="store_true", help="write the tightest `may` lines into the files")
    permissions.add_argument("files", nargs="*", type=Path, metavar="FILE", help="(default: all of your coworkers)")
    test = _add(commands, "test", "run the test blocks of coworkers, on no disk and no clock", data=True)
    test.add_argument("files", nargs="+", type=Path, metavar="FILE")
    lsp = _add(commands, "lsp", "help editors to write coworkers: a language server on standard input and output")
    lsp.add_argument("--stdio", action="store_true", help="accepted because many editors say it; there is no other way")

    completion = _add(commands, "completion", "let the Tab key complete commands: prints a script for your shell")
    completion.epilog = (
        "bash: put `source <(klapp completion bash)` into ~/.bashrc. zsh: the same with zsh, below `compinit` in ~/.zshrc. "
        "fish: klapp completion fish > ~/.config/fish/completions/klapp.fish"
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), help="which shell")


def _coworkers(commands: Commands[argparse.ArgumentParser]) -> None:
    agent = _add(commands, "agent", "run the agent, in the tray or without a screen")
    agent.add_argument("--headless", action="store_true", help="without an icon; stop it with Ctrl+C")
    console = _add(commands, "console", "open klapp's page in your browser: coworkers, what they did, and their text")
    console.add_argument("--link", action="store_true", help="print the link in place of opening it; it is good once")
    opened = _add(commands, "open", "open a coworker's text in the editor of klapp's page; starts the agent if need be")
    opened.epilog = "KLAPP_EDITOR names a program that is used in place of the page."
    opened.add_argument("file", metavar="FILE")
    autostart = _add(commands, "autostart", "have klapp start when you log in, or say whether it does", data=True)
    autostart.add_argument("what", choices=("on", "off", "status"))
    autostart.add_argument("--service", action="store_true", help="without a screen, as a systemd service of yours")
    autostart.add_argument(
        "--replace", action="store_true", help="even what you, or somebody else, has changed or made"
    )
    new = _add(commands, "new", "make a coworker: asks on a terminal what it should do, and writes it", data=True)
    new.add_argument("name", nargs="?", metavar="NAME", help="what it is called")
    source = new.add_mutually_exclusive_group()
    source.add_argument("--from", dest="template", metavar="TEMPLATE", help="one of the coworkers that ship with klapp")
    source.add_argument(
        "--answers", metavar="FILE", help="the answers, as a JSON object with a text for each question; - reads them"
    )
    source.add_argument("--list", action="store_true", help="say which coworkers ship with klapp")
    _add(commands, "list", "list the coworkers and their state", data=True)
    approve = _add(commands, "approve", "allow a coworker what it asks for", data=True)
    approve.add_argument("name", metavar="NAME")
    answers = approve.add_mutually_exclusive_group()
    for answer, help in (
        ("yes", "without asking"),
        ("narrower", "only the tightest that it needs; this is written into its file"),
        ("refuse", "say no: it is not asked about again until it changes"),
        ("show", "only show what it asks for, with an example on your files"),
    ):
        answers.add_argument(f"--{answer}", dest="answer", action="store_const", const=answer, help=help)
    revoke = _add(commands, "revoke", "take an approval back", data=True)
    revoke.add_argument("name", metavar="NAME")
    settings = _add(commands, "settings", "show the settings of a coworker, or change one", data=True)
    settings.add_argument("name", metavar="NAME")
    settings.add_argument("setting", nargs="?", metavar="SETTING")
    settings.add_argument("value", nargs="*", metavar="VALUE", help="its new value; for a list, each element")
    settings.add_argument("--reset", action="store_true", help="give it back the value that stands in the file")
    pause = _add(commands, "pause", "pause a coworker, or all of them", data=True)
    _name_or_all(pause)
    pause.add_argument(
        "--for",
        dest="span",
        type=_span,
        metavar="TIME",
        help="how long, such as 30m, 1h or 2d (default: until resumed)",
    )
    _name_or_all(_add(commands, "resume", "let a paused coworker, or all of them, go on", data=True))


def _runs(commands: Commands[argparse.ArgumentParser]) -> None:
    for name, help in (
        ("run", "run a coworker once, now"),
        ("simulate", "say what a run would do, and change nothing"),
    ):
        command = _add(commands, name, help, data=True)
        command.add_argument("name", metavar="NAME" if name == "run" else "NAME|FILE")
        command.add_argument(
            "--on",
            nargs="+",
            metavar="PATH",
            help="treat these files, or every file below these folders, as if they had just arrived",
        )
        command.add_argument(
            "--answer",
            dest="answers",
            action="append",
            type=_answer,
            default=[],
            metavar="KEY=VALUE",
            help="answer what the coworker asks for, such as month=2026-03-01",
        )
    log = _add(commands, "log", "show what was done", data=True)
    log.add_argument("name", nargs="?", metavar="NAME")
    log.add_argument("--follow", action="store_true", help="go on showing what is done from now on")
    log.add_argument("--newest", type=_positive, metavar="N", help="only the newest N runs")
    explain = _add(commands, "explain", "say why a run did what it did, or what the code of a finding means", data=True)
    explain.add_argument(
        "what", nargs="?", type=_run_or_code, metavar="RUN|CODE", help="a run's number, or a code such as K401"
    )
    explain.add_argument(
        "--file", metavar="PATH", help="what happened to this file under all its names, and why not more"
    )
    explain.add_argument("--trace", action="store_true", help="each decision with its line, the values and the effects")
    replay = _add(commands, "replay", "run again from the log alone, and compare", data=True)
    replay.add_argument("run", type=_positive, metavar="RUN")
    undo = _add(commands, "undo", "take runs back: everything is as it was before, or only what you name", data=True)
    undo.add_argument(
        "runs",
        nargs="*",
        type=_runs_of,
        metavar="RUN",
        help="a run's number, several, a range such as 3-7, or `last` for the last batch",
    )
    undo.add_argument(
        "--only",
        nargs="+",
        metavar="PATH",
        help="of these runs, only what they did to these files, or to what is in these folders; the rest stays",
    )
    undo.add_argument(
        "--since",
        type=_moment,
        metavar="TIME",
        help="all runs since then: 9:00, 2026-11-20, 2026-11-20T09:00, or 30m, 2h, 1d for so long ago",
    )
    kept = _add(
        commands, "kept", "show what is kept of files that were replaced, or say how long it is kept", data=True
    )
    kept.add_argument("--days", type=_positive, metavar="N", help="let go of copies that are older (default: 180)")
    kept.add_argument(
        "--megabytes", type=_positive, metavar="N", help="let go of the oldest when they take more (default: 5000)"
    )
    add_audit(_add(commands, "audit", "look into the log, prove what is in it, erase from it, take it elsewhere"), _add)
    notices = _add(commands, "notices", "show what you were told, or how you are told, and change that", data=True)
    notices.add_argument("what", nargs="?", choices=("show", "set"), default="show", help="(default: show)")
    notices.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="quiet (hours such as 22:00-07:00, or off), summaries or names (on or off)",
    )
    notices.add_argument("value", nargs="?", metavar="VALUE", help="what it is to be; without it, all are shown")
    network = _add(commands, "network", "show what left this machine, to which host, and for which coworker", data=True)
    network.add_argument(
        "words", nargs="*", metavar="[show] [NAME]", help="with `show`: by coworker and host, beside what it may reach"
    )
    secret = _add(commands, "secret", "keep the secrets with which hosts know you", data=True)
    secret.add_argument("what", choices=("list", "set", "remove"))
    secret.add_argument("name", nargs="?", metavar="NAME")
    secret.add_argument(
        "--for", dest="host", metavar="HOST", help="for which host, where several have one of that name"
    )
    secret.add_argument("--value-fd", type=_descriptor, metavar="N", help="read the value from this file descriptor")
    mail = _add(commands, "mail", "look after the mail accounts that coworkers may read and send from", data=True)
    mail.add_argument("what", choices=("list", "add", "test", "sender", "remove", "unsure", "again", "leave"))
    mail.add_argument("name", nargs="?", metavar="NAME")
    mail.add_argument("--server", metavar="HOST", help="where the mail is, such as imap.example.com")
    mail.add_argument("--port", type=_positive, metavar="N", help="of the server (default: the usual one)")
    mail.add_argument("--user", metavar="USER", help="who you are to the server; often your address")
    mail.add_argument(
        "--encryption", choices=("tls", "starttls"), default="tls", help="from the first byte on, or before all is said"
    )
    mail.add_argument("--smtp", metavar="HOST", help="what sends your mail, such as smtp.example.com")
    mail.add_argument("--smtp-port", type=_positive, metavar="N", help="of that server (default: the usual one)")
    mail.add_argument(
        "--smtp-encryption",
        choices=("tls", "starttls", "none"),
        default="tls",
        help="as --encryption; none only for a server on this machine",
    )
    mail.add_argument(
        "--no-sent-copy",
        action="store_true",
        help="keep no copy of sent mail with the account: the server keeps one by itself",
    )
    mail.add_argument("--address", metavar="ADDRESS", help="your mail address (default: the user)")
    mail.add_argument(
        "--value-fd", type=_descriptor, metavar="N", help="read the password or app password from this file descriptor"
    )
    update = _add(commands, "update", "say whether there is a newer klapp, or whom to ask for one", data=True)
    update.epilog = "klapp asks nobody by itself until you say `klapp update every week`, and installs nothing."
    update.add_argument(
        "what",
        nargs="?",
        choices=("status", "check", "verify", "from", "key", "every"),
        default="status",
        help="check: ask now; verify: whether an installer is what was signed; from, key, every: change that (default: status)",
    )
    update.add_argument(
        "value",
        nargs="?",
        metavar="VALUE",
        help="a file; an https:// address or a folder, or none; a public key, or none; week or never",
    )
    _add(commands, "doctor", "look after this installation: what is wrong with it, and what to do", data=True)
    demo = _add(commands, "demo", "show what klapp does, on made-up papers in a scratch folder")
    demo.add_argument("--folder", type=Path, help="where (default: a new temporary folder)")


def _vault(commands: Commands[argparse.ArgumentParser]) -> None:
    vault = _add(commands, "vault", "look after the key of what klapp stores: who can open it, and a new one")
    actions = vault.add_subparsers(dest="what", metavar="ACTION", required=True)
    _add(actions, "status", "say what opens the vault", data=True)
    password = _add(actions, "add-password", "let a passphrase open it, in place of an earlier one")
    password.add_argument(
        "--new-passphrase-fd", type=_descriptor, metavar="N", help="read the new passphrase from this file descriptor"
    )
    _add(actions, "add-keyring", "let the system's keyring open it")
    _add(actions, "recovery-key", "make a recovery key to print, in place of an earlier one, and show it once")
    removing = _add(actions, "remove", "take a way to open it back")
    removing.add_argument("way", choices=("keyring", "password", "recovery-key"))
    _add(actions, "rotate", "seal everything anew with a new key")
    _add(actions, "trust", "take an older vault.json that you put back yourself")
    _add(actions, "forget-account", "remove an account whose password is forgotten, by the recovery key")


def _account(commands: Commands[argparse.ArgumentParser]) -> None:
    account = _add(commands, "account", "look after your account, which locks approvals and the log")
    actions = account.add_subparsers(dest="what", metavar="ACTION", required=True)
    _add(actions, "status", "say whether there is one, and whether it is open", data=True)
    create = _add(actions, "create", "make it, with a password")
    create.add_argument("--name", help="whose it is (default: your name on this machine)")
    password = _add(actions, "password", "change its password")
    totp = _add(actions, "totp", "have it ask for a code of an app on your phone, too")
    totp.add_argument("--off", action="store_true", help="do without that again")
    _add(actions, "codes", "make new recovery codes")
    _add(actions, "remove", "remove it: everything is open again to who runs klapp")
    unlock = _add(commands, "unlock", "log in to your account")
    _add(commands, "lock", "log out everywhere")
    for command in (create, password, totp, unlock):
        command.add_argument(
            "--password-fd", type=_descriptor, metavar="N", help="read what is asked for, a line each, from here"
        )


def _name_or_all(command: argparse.ArgumentParser) -> None:
    group = command.add_mutually_exclusive_group(required=True)
    group.add_argument("name", nargs="?", metavar="NAME")
    group.add_argument("--all", action="store_true", help="every coworker")


def _descriptor(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a file descriptor")
    return int(text)


def _answer(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return name.strip(), value


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _run_or_code(text: str) -> int | str:
    """A run's number, or a code: a ``K`` before a number."""
    if CODE.fullmatch(text):
        return text
    try:
        return _positive(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a run's number nor a code such as K401") from error


def _span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time span such as 30m, 1h or 2d")
    try:
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is too long a time") from error


def _moment(text: str) -> datetime:
    """A moment by the wall clock: an ISO date or moment, a time of today, or a span before now."""
    now = datetime.now()
    try:
        if _SPAN.fullmatch(text):
            return now - _span(text)
        if _CLOCK.fullmatch(text):
            return datetime.combine(now.date(), time.fromisoformat(text.zfill(5)))
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 9:00, 2026-11-20 or 2h") from None
    return moment.astimezone().replace(tzinfo=None) if moment.tzinfo else moment


def _runs_of(text: str) -> range | None:
    """A range of run numbers, or None for ``last``."""
    if text == "last":
        return None
    first, _, last = text.partition("-")
    numbers = range(_positive(first), _positive(last or first) + 1)
    if not numbers:
        raise argparse.ArgumentTypeError(f"{text!r} goes backwards")
    return numbers
