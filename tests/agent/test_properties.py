"""Properties: what a file is and what stands in it, for honest and hostile content alike."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import datetime, timedelta

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp import properties
from klapp.demo.papers import pdf, png, spreadsheet
from klapp.files.empty import Empty
from klapp.files.overlay import Overlay
from klapp.properties.kinds import kind_of
from klr.effects import EffectError
from klr.types import FILE

KNOWN = {known.name: known for known in properties.ALL if known.of == FILE}
NOW = datetime(2026, 3, 9, 12, 0)


def ask(name: str, content: bytes, path: str = "/home/x/a.bin") -> object:
    files = Overlay(Empty())
    file = files.given(path, content, NOW - timedelta(days=1), NOW - timedelta(days=9))
    known = KNOWN[name]
    if known.ask:
        return known.ask(files, file)
    assert known.pure is not None
    return known.pure(file, NOW, "") if known.uses_now else known.pure(file)


def zipped(*names: str, first: tuple[str, bytes] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as container:
        if first:
            container.writestr(*first)
        for name in names:
            container.writestr(name, b"x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"hello\n", "text"),
        ("Größe".encode("cp1252"), "text"),
        ("\ufeffhello".encode("utf-16"), "text"),
        (b"a;b\n1;2\n", "text"),
        (bytes(range(256)), "unknown"),
        (pdf(["x"]), "pdf"),
        (png(2, 2), "image"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 20, "image"),
        (b"RIFF\0\0\0\0WEBPxx", "image"),
        (b"RIFF\0\0\0\0WAVExx", "audio"),
        (b"\0\0\0\x20ftypheic", "image"),
        (b"\0\0\0\x20ftypisom", "video"),
        (b"ID3\x04", "audio"),
        (b"\x7fELF\x02", "program"),
        (b"MZ\x90\0\x03", "program"),
        (b"MZ is how this letter begins", "text"),
        (b"BM is not a picture", "text"),
        (b"#!/bin/sh\n", "program"),
        (spreadsheet([("a", 1)]), "spreadsheet"),
        (zipped("[Content_Types].xml", "word/document.xml"), "document"),
        (zipped("[Content_Types].xml", "ppt/presentation.xml"), "presentation"),
        (zipped("x", first=("mimetype", b"application/vnd.oasis.opendocument.spreadsheet")), "spreadsheet"),
        (zipped("a.txt"), "archive"),
        (b"PK\x03\x04 broken", "archive"),
        (b"\x1f\x8b\x08", "archive"),
        (b"{\\rtf1}", "document"),
    ],
)
def test_kinds_go_by_content(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind
    assert ask("kind", content, "/x/lies.exe") == kind


@given(
    st.binary(max_size=300),
    st.sampled_from((b"", b"%PDF-1.4\n", b"PK\x03\x04", b"\xff\xfe", b"RIFF", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
)
def test_any_content_has_a_kind_and_a_text_or_a_plain_refusal(content: bytes, start: bytes) -> None:
    assert isinstance(ask("kind", start + content), str)
    try:
        told = str(ask("text", start + content))
    except EffectError as error:
        told = error.message if error.kind == "value" and "/home/x/a.bin" in error.message else "\udcff"
    told.encode("utf-8")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Größe €".encode(), "Größe €"),
        ("Größe €".encode("cp1252"), "Größe €"),
        ("Größe".encode("utf-16"), "Größe"),
        ("\ufeffGröße".encode(), "Größe"),
        (b"a\r\nb\rc", "a\nb\nc"),
        (png(2, 2), ""),
    ],
)
def test_texts_in_every_encoding(content: bytes, text: str) -> None:
    assert ask("text", content) == text


def test_a_pdf_that_is_locked_or_broken_is_named() -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf(["secret"])))
    writer.encrypt("word", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    with pytest.raises(EffectError, match="locked with a password"):
        ask("text", out.getvalue())
    with pytest.raises(EffectError, match="can not be read as a PDF"):
        ask("text", pdf(["x"])[:60])


def test_the_rest() -> None:
    path = "/home/x/March 1.final.PDF"
    assert [ask(name, b"abc", path) for name in ("name", "stem", "extension", "folder", "path", "size")] == [
        "March 1.final.PDF", "March 1.final", "pdf", "/home/x", path, 3,
    ]  # fmt: skip
    assert ask("hash", b"abc") == hashlib.sha256(b"abc").hexdigest()
    assert ask("age", b"") == timedelta(days=1)
    assert ask("modified", b"") == NOW - timedelta(days=1)
    assert ask("created", b"") == NOW - timedelta(days=9)


def test_what_is_too_large_is_named() -> None:
    files = Overlay(Empty())
    file = files.given("/x/big.txt", b"text", NOW, size=60_000_000)
    assert KNOWN["text"].ask is not None
    with pytest.raises(EffectError, match="too large"):
        KNOWN["text"].ask(files, file)
