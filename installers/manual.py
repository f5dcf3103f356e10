"""The manual page, made from the command line's own parser, in man's macros (man(7))."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime

from klapp.cli.arguments import parser

FILES = (
    ("~/.local/share/klapp", "All of klapp's state, encrypted. KLAPP_HOME names another folder."),
    ("~/.local/share/klapp/coworkers", "Your coworkers, as .klr files that you can read and write."),
)
CODES = (("0", "Fine."), ("1", "Problems were found."), ("2", "The command was used wrongly."))


def manual(version: str, at: datetime) -> str:
    """klapp(1)."""
    top = parser()
    lines = [
        f'.TH KLAPP 1 "{at:%Y-%m-%d}" "klapp {version}" "User Commands"',
        ".SH NAME",
        f"klapp \\- {_escaped(_lowered(top.description or ''))}",
        ".SH SYNOPSIS",
        ".B klapp",
        "[\\fIOPTION\\fR]... [\\fICOMMAND\\fR [\\fIARGUMENT\\fR]...]",
        ".SH DESCRIPTION",
        _escaped(top.description or ""),
        _escaped(top.epilog or ""),
        ".SH OPTIONS",
        *_told((("-h, --help", "Show help and exit; every command has this, too."),)),
        *_options(top),
        ".SH COMMANDS",
        *_commands(top),
        ".SH EXIT STATUS",
        *_told(CODES),
        ".SH ENVIRONMENT",
        *_told((("KLAPP_HOME", "The folder that holds all of klapp's state."),)),
        ".SH FILES",
        *_told(FILES),
    ]
    return "\n".join(lines) + "\n"


def _commands(parser: argparse.ArgumentParser, before: str = "") -> Iterator[str]:
    for action in parser._actions:  # argparse has no public way to ask
        if not isinstance(action, argparse._SubParsersAction):
            continue
        said = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, command in action.choices.items():
            called = f"{before}{name}"
            yield f'.SS "{_escaped(called)}{_arguments(command)}"'
            yield _escaped(_sentence(said.get(name, "")))
            if command.epilog:
                yield ".PP"
                yield _escaped(command.epilog)
            yield from _options(command)
            yield from _commands(command, f"{called} ")


def _arguments(command: argparse.ArgumentParser) -> str:
    """The words behind a command, as its first line shows them."""
    shown = []
    for action in command._actions:
        if action.option_strings or isinstance(action, argparse._SubParsersAction):
            continue
        word = _escaped(_placeholder(action))
        word += " ..." if action.nargs in ("*", "+") else ""
        shown.append(f"[{word}]" if action.nargs in ("*", "?") else word)
    return "".join(f" {word}" for word in shown)


def _options(command: argparse.ArgumentParser) -> Iterator[str]:
    for action in command._actions:
        kinds = (argparse._SubParsersAction, argparse._HelpAction)
        if action.help in (None, argparse.SUPPRESS) or isinstance(action, kinds):
            continue
        value = "" if action.nargs == 0 else _escaped(_placeholder(action))
        yield ".TP"
        if action.option_strings:
            names = ", ".join(f"\\fB{_escaped(name)}\\fR" for name in action.option_strings)
            yield f"{names} \\fI{value}\\fR" if value else names
        else:
            yield f"\\fI{value}\\fR"
        yield _escaped(_sentence((action.help or "") % {"prog": command.prog}))


def _placeholder(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    return "|".join(map(str, action.choices)) if action.choices else action.dest.upper()


def _told(pairs: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for term, text in pairs:
        yield from (".TP", f"\\fB{_escaped(term)}\\fR", _escaped(text))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ")")) else ".")


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")


def _escaped(text: str) -> str:
    """A text as roff takes it: a dash is a dash that can be copied, and no line begins with a control character."""
    safe = (
        text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("~", "\\(ti").replace("`", "\\(ga")
    )
    return f"\\&{safe}" if safe.startswith((".", "'")) else safe
