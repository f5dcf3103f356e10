"""The VS Code extension: it builds by one command into a package that holds what it says, and its grammar reads right."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from klapp.cli.arguments import parser
from klapp.engine.tester import run_tests
from klapp.vocabulary import VOCABULARY
from klr.loader import load

ROOT = Path(__file__).parents[3]
EXTENSION = ROOT / "dsl" / "editors" / "vscode"
GOLDEN = EXTENSION / "test" / "golden"
SPACE = {"v": "http://schemas.microsoft.com/developer/vsx-schema/2011"}

needs_node = pytest.mark.skipif(not shutil.which("npm"), reason="needs Node.js and npm")
pytestmark = pytest.mark.xdist_group("node")


def manifest() -> dict[str, object]:
    return dict(json.loads((EXTENSION / "package.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("vsix")
    done = subprocess.run([sys.executable, EXTENSION / "package.py", "--into", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [path] = folder.iterdir()
    assert str(path) in done.stdout
    with zipfile.ZipFile(path) as archive:
        yield archive


@needs_node
def test_the_package_holds_what_its_manifest_names(package: zipfile.ZipFile) -> None:
    names = set(package.namelist())
    assert package.testzip() is None
    told = json.loads(package.read("extension/package.json"))
    assert not {"scripts", "devDependencies", "dependencies"} & set(told)
    parts = told["contributes"]
    named = [told["main"], told["icon"], *(one["path"] for one in parts["grammars"] + parts["snippets"])]
    named += [parts["languages"][0]["configuration"], parts["languages"][0]["icon"]["light"]]
    assert {f"extension/{name.removeprefix('./')}" for name in named} <= names
    tree = ElementTree.fromstring(package.read("extension.vsixmanifest"))
    identity = tree.find("v:Metadata/v:Identity", SPACE)
    assert identity is not None
    assert {name: identity.get(name) for name in ("Id", "Version", "Publisher")} == {
        "Id": "klapp", "Version": told["version"], "Publisher": "klapp",
    }  # fmt: skip
    assets = {asset.get("Path") for asset in tree.iterfind("v:Assets/v:Asset", SPACE)}
    assert {"extension/package.json", "extension/README.md", "extension/icon.png"} <= assets <= names
    types = {one.get("Extension") for one in ElementTree.fromstring(package.read("[Content_Types].xml"))}
    assert {Path(name).suffix for name in names} - {".xml"} <= types | {".xml"}
    assert not [name for name in names if "node_modules" in name or name.endswith((".map", ".py", ".mjs"))]


@needs_node
def test_what_is_bundled_comes_with_its_licences(package: zipfile.ZipFile) -> None:
    licences = package.read("extension/THIRD-PARTY.txt").decode()
    for name in ("vscode-languageclient", "vscode-jsonrpc", "vscode-languageserver-protocol"):
        assert f"{name} " in licences
    assert b"Apache License" in package.read("extension/LICENSE.txt")


@needs_node
def test_the_same_sources_give_the_same_bytes(package: zipfile.ZipFile, tmp_path: Path) -> None:
    again = subprocess.run([sys.executable, EXTENSION / "package.py", "--into", tmp_path], capture_output=True)
    assert again.returncode == 0
    assert next(tmp_path.iterdir()).read_bytes() == Path(str(package.filename)).read_bytes()


@needs_node
def test_the_client_starts_the_real_server_and_fills_in_the_document(package: zipfile.ZipFile, tmp_path: Path) -> None:
    """The bundle in Node, with an editor around it that is only as much of one as it asks for."""
    package.extractall(tmp_path)
    klapp = Path(sys.executable).parent / "klapp"
    coworker = tmp_path / "a.klr"
    coworker.write_text((ROOT / "rules" / "downloads-by-kind.klr").read_text(encoding="utf-8"))
    environment = {**os.environ, "KLAPP_COMMAND": str(klapp), "COWORKER": coworker.as_uri()}
    script = EXTENSION / "test" / "client.cjs"
    done = subprocess.run(
        ["node", script, tmp_path / "extension" / "extension.js"],
        capture_output=True, text=True, timeout=60, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["registered"] == ["klapp.permissions", "klapp.restart", "klapp.simulate", "klapp.test"]
    assert "Downloads by kind may" in told["permissions"]
    assert '"a picture goes to its month" passed.' in told["test"]
    assert told["shown"] == told["test"] + "\n"
    assert told["toasts"] == []
    assert told["none"] == "Open a coworker (a .klr file) first."


@needs_node
@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.klr")), ids=lambda path: path.stem)
def test_the_grammar_reads_each_line_as_before(package: zipfile.ZipFile, path: Path) -> None:
    read = subprocess.run(
        ["node", EXTENSION / "test" / "grammar.mjs", path], capture_output=True, text=True, check=True
    ).stdout
    golden = path.with_suffix(".scopes")
    if os.environ.get("KLAPP_GOLDEN") == "write":
        golden.write_text(read, encoding="utf-8")
    assert read == golden.read_text(encoding="utf-8")


@needs_node
def test_no_shipped_coworker_leaves_a_text_open_or_a_word_unread(package: zipfile.ZipFile) -> None:
    shipped = sorted((ROOT / "rules").glob("*.klr"))
    command = ["node", EXTENSION / "test" / "grammar.mjs", *shipped]
    read = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    for number, line in enumerate(read):
        if line.startswith("> end"):
            assert read[number + 1 : number + 2] == ["    end | keyword.control.klr"]
        if line.startswith("> test "):
            assert read[number + 1] == "    test | keyword.control.klr"


def test_the_manifest_agrees_with_klapp() -> None:
    about = manifest()
    assert about["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    path = about["contributes"]["configuration"]["properties"]["klapp.path"]  # type: ignore[index]
    assert path["scope"] == "machine", "a workspace that was opened must not choose which program is run"
    assert "lsp" in parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr, operator]


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text())
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
    assert all("integrity" in entry for name, entry in lock["packages"].items() if name)


def filled(body: list[str]) -> str:
    """A snippet as it stands when its places are left as they are offered."""
    import re

    text = "\n".join(body)
    offered = dict(re.findall(r"\$\{(\d+):([^{}]*)\}", text))
    text = re.sub(r"\$\{\d+:([^{}]*)\}", r"\1", text)
    text = re.sub(r"\$\{\d+\|([^,|]*)[^|]*\|\}", r"\1", text)
    return re.sub(r"\$(\d+)", lambda match: offered.get(match[1], "stop"), text)


SNIPPETS = json.loads((EXTENSION / "snippets" / "klr.json").read_text())
AROUND = 'coworker "x"\nmay read "~/**"\nmay remove "~/**"\nmay write "~/**"\nmay notify\n'


@pytest.mark.parametrize("name", sorted(SNIPPETS))
def test_each_snippet_is_right_as_it_is_offered(name: str) -> None:
    text = filled(SNIPPETS[name]["body"])
    rule = 'when file arrives in "~/Downloads"\n'
    if name in ("For each", "If"):
        text = f"{AROUND}{rule}{text.replace('$0', 'stop')}\nend\n"
    elif name == "On error":
        text = f"{AROUND}{rule}trash file\n{text}\nend\n"
    elif name == "Test":
        text = f'{AROUND}{rule}move file to "~/Documents/"\nend\n{text}\n'
    elif name == "Setting":
        text = f"{AROUND}{text}\n{rule}trash file\nend\n"
    elif name != "Coworker":
        text = f"{AROUND}{text}\n"
    loaded = load(text, VOCABULARY)
    assert [found.message for found in loaded.errors] == []
    assert loaded.program is not None
    assert [one.failures for one in run_tests(loaded.program, VOCABULARY) if not one.passed] == []
    if name == "Coworker":
        assert loaded.diagnostics == ()
        assert loaded.program.tests
