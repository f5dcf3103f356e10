"""``klapp completion SHELL``: what the Tab key offers in bash, zsh and fish, made from the parser of arguments itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from klapp.cli.output import FINE, say


@dataclass(frozen=True, slots=True)
class Option:
    """One ``--option``: its spellings, what it does, what can stand behind it (None: nothing, (): anything)."""

    names: tuple[str, ...]
    help: str
    values: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Node:
    """A command with the words before it, its options, the commands and words that can follow it."""

    path: tuple[str, ...]
    help: str
    options: tuple[Option, ...]
    words: tuple[str, ...]
    commands: tuple[Node, ...]


def completion(options: argparse.Namespace) -> int:
    """``klapp completion bash|zsh|fish``."""
    from klapp.cli.arguments import parser

    say(script(options.shell, parser()))
    return FINE


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The script for a shell of ``SHELLS``."""
    return "\n".join(SHELLS[shell](list(_all(tree(parser)))))


def tree(parser: argparse.ArgumentParser, path: tuple[str, ...] = (), help: str = "") -> Node:
    """What a parser takes, as data; what it hides is left out."""
    options: list[Option] = []
    words: list[str] = []
    commands: list[Node] = []
    for action in parser._actions:  # argparse has no public way to ask
        if isinstance(action, argparse._SubParsersAction):
            said = {choice.dest: choice.help or "" for choice in action._choices_actions}
            commands = [tree(sub, (*path, name), said.get(name, "")) for name, sub in action.choices.items()]
        elif action.help == argparse.SUPPRESS:
            continue
        elif action.option_strings:
            values = None if action.nargs == 0 else tuple(map(str, action.choices or ()))
            options.append(Option(tuple(action.option_strings), _plain(action.help), values))
        else:
            words.extend(map(str, action.choices or ()))
    return Node(path, _plain(help), tuple(options), tuple(words), tuple(commands))


def _plain(help: str | None) -> str:
    return (help or "").replace("%%", "%").replace("`", "").replace("'", "’")


def _all(node: Node) -> Iterator[Node]:
    yield node
    for command in node.commands:
        yield from _all(command)


def _offered(node: Node) -> str:
    """Everything that can stand behind a command, a blank apart."""
    options = [name for option in node.options for name in option.names if name.startswith("--")]
    return " ".join([*(command.path[-1] for command in node.commands), *node.words, *options])


def bash(nodes: list[Node]) -> Iterator[str]:
    """For bash 4 and newer: ``source <(klapp completion bash)`` in ~/.bashrc."""
    yield "# Completion of klapp for bash."
    yield "_klapp() {"
    yield '    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" at="" one next offered=""'
    yield '    for one in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do'
    yield '        next="${at:+$at }$one"'
    yield '        case "$next" in'
    yield f'            {"|".join(_quoted(" ".join(node.path)) for node in nodes if node.path)}) at="$next" ;;'
    yield "        esac"
    yield "    done"
    yield '    case "$at $before" in'
    for node in nodes:
        for option in node.options:
            if option.values is not None:
                cases = "|".join(_quoted(f"{' '.join(node.path)} {name}") for name in option.names)
                given = f'offered="{" ".join(option.values)}"' if option.values else "return"
                yield f"        {cases}) {given} ;;"
    yield "    esac"
    yield '    if [ -z "$offered" ]; then'
    yield '        case "$at" in'
    yield from (f"            {_quoted(' '.join(node.path))}) offered={_quoted(_offered(node))} ;;" for node in nodes)
    yield "        esac"
    yield "    fi"
    yield '    COMPREPLY=($(compgen -W "$offered" -- "$word"))'
    yield "}"
    yield "complete -o default -F _klapp klapp"


def zsh(nodes: list[Node]) -> Iterator[str]:
    """For zsh: as a file ``_klapp`` in a folder of ``fpath``."""
    yield "#compdef klapp"
    yield "# Completion of klapp for zsh."
    yield "_klapp() {"
    yield '    local at="" one next; local -a offered'
    yield "    for one in ${words[2,CURRENT-1]}; do"
    yield '        next="${at:+$at }$one"'
    yield '        case "$next" in'
    yield f'            {"|".join(_quoted(" ".join(node.path)) for node in nodes if node.path)}) at="$next" ;;'
    yield "        esac"
    yield "    done"
    yield '    case "$at ${words[CURRENT-1]}" in'
    for node in nodes:
        for option in node.options:
            if option.values is not None:
                cases = "|".join(_quoted(f"{' '.join(node.path)} {name}") for name in option.names)
                given = f"compadd -- {' '.join(option.values)}" if option.values else "_files"
                yield f"        {cases}) {given}; return ;;"
    yield "    esac"
    yield '    case "$at" in'
    for node in nodes:
        told = [(command.path[-1], command.help) for command in node.commands]
        told += [(word, "") for word in node.words]
        told += [(name, option.help) for option in node.options for name in option.names if name.startswith("--")]
        offered = " ".join(_quoted(f"{name}:{help}" if help else name) for name, help in told)
        yield f"        {_quoted(' '.join(node.path))}) offered=({offered}) ;;"
    yield "    esac"
    yield "    _describe klapp offered"
    yield "    _files"
    yield "}"
    yield '[ "$funcstack[1]" = "_klapp" ] && _klapp "$@" || compdef _klapp klapp'


def fish(nodes: list[Node]) -> Iterator[str]:
    """For fish: as ``~/.config/fish/completions/klapp.fish``."""
    yield "# Completion of klapp for fish."
    for node in nodes:
        if not node.path:
            here = "__fish_use_subcommand"
        else:
            here = " && ".join(f"__fish_seen_subcommand_from {word}" for word in node.path)
            inner = " ".join(command.path[-1] for command in node.commands)
            here += f" && not __fish_seen_subcommand_from {inner}" if inner else ""
        for command in node.commands:
            yield f"complete -c klapp -f -n {_quoted(here)} -a {command.path[-1]} -d {_quoted(command.help)}"
        if node.words:
            yield f"complete -c klapp -n {_quoted(here)} -a {_quoted(' '.join(node.words))}"
        for option in node.options:
            spelt = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names)
            given = (
                ""
                if option.values is None
                else f" -x -a {_quoted(' '.join(option.values))}"
                if option.values
                else " -r"
            )
            yield f"complete -c klapp -n {_quoted(here)} {spelt}{given} -d {_quoted(option.help)}"


def _quoted(text: str) -> str:
    """A text for any of the three shells; it holds no quote, see ``_plain``."""
    assert "'" not in text
    return f"'{text}'"


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}
