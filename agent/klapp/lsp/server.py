"""The server itself: which request is answered by which part of the analysis, over pygls."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any, BinaryIO

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from klapp.lsp import commands, wire
from klapp.lsp.completion import offers
from klapp.lsp.documents import Document, Documents
from klapp.lsp.edits import fixes, formatted
from klapp.lsp.hover import meaning
from klapp.lsp.protocol import StrictProtocol, StrictServer
from klapp.lsp.renaming import Refused, renameable, renamed
from klapp.lsp.symbols import lenses, symbols
from klapp.texts import Unreadable, read_text

QUIET_SECONDS = 0.1
"""A text is checked when nobody has typed in it for so long."""


def serve(reading: BinaryIO, writing: BinaryIO) -> int:
    """Answer until the editor says ``exit`` or is gone; returns 0 where it said ``shutdown`` before, as it should."""
    if not os.environ.get("KLAPP_DEBUG"):
        for name in ("pygls", "asyncio"):
            quiet = logging.getLogger(name)
            quiet.addHandler(logging.NullHandler())
            quiet.propagate = False
    service = Service()
    service.server.start_io(reading, writing)
    return 0 if service.asked_to_stop else 1


class Service:
    """The open documents of one editor, and the answers about them. A document that is not open has no answers."""

    def __init__(self) -> None:
        from importlib.metadata import version

        self.server = StrictServer("klapp", version("klapp"), protocol_cls=StrictProtocol)
        self.documents = Documents()
        self.asked_to_stop = False
        self.shows_answers = True
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._register()

    def _register(self) -> None:
        self._feature(types.INITIALIZE, self.initialize)
        self._feature(types.SHUTDOWN, self.shutdown)
        self._feature(types.TEXT_DOCUMENT_DID_OPEN, self.did_open)
        self._feature(types.TEXT_DOCUMENT_DID_CHANGE, self.did_change)
        self._feature(types.TEXT_DOCUMENT_DID_CLOSE, self.did_close)
        typed = types.CompletionOptions(trigger_characters=[".", " ", "{"])
        self._feature(types.TEXT_DOCUMENT_COMPLETION, self.completion, typed)
        self._feature(types.TEXT_DOCUMENT_HOVER, self.hover)
        self._feature(types.TEXT_DOCUMENT_DEFINITION, self.definition)
        self._feature(types.TEXT_DOCUMENT_REFERENCES, self.references)
        self._feature(types.TEXT_DOCUMENT_PREPARE_RENAME, self.prepare_rename)
        self._feature(types.TEXT_DOCUMENT_RENAME, self.rename, types.RenameOptions(prepare_provider=True))
        self._feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, self.symbols)
        self._feature(types.TEXT_DOCUMENT_FOLDING_RANGE, self.folds)
        self._feature(types.TEXT_DOCUMENT_FORMATTING, self.format)
        quick = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
        self._feature(types.TEXT_DOCUMENT_CODE_ACTION, self.actions, quick)
        self._feature(types.TEXT_DOCUMENT_CODE_LENS, self.lenses)
        self._command("klapp.permissions", self.permissions)
        self._command("klapp.test", self.test)
        self._command("klapp.simulate", self.simulate)

    def _feature(self, name: str, answer: Callable[[Any], Any], options: Any = None) -> None:
        def handler(params: Any) -> Any:  # pygls marks what it is given, and a method can not be marked
            return answer(params)

        self.server.feature(name, options)(handler)

    # -- the life of the server and of its documents ------------------------------------------------------------------

    def initialize(self, params: types.InitializeParams) -> None:
        """pygls has agreed with the editor on how characters are counted; the editor says who shows answers."""
        agreed = self.server.workspace.position_encoding or types.PositionEncodingKind.Utf16
        self.documents.encoding = str(getattr(agreed, "value", agreed))
        wishes = params.initialization_options
        self.shows_answers = not (isinstance(wishes, dict) and wishes.get("answers") == "returned")

    def shutdown(self, params: None) -> None:
        """The editor is about to say ``exit``."""
        self.asked_to_stop = True

    def did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        """A document is open from now on."""
        item = params.text_document
        self.documents.open(item.uri, item.text, item.version)
        self._check_soon(item.uri, 0)

    def did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """An open document has changed."""
        item = params.text_document
        self.documents.change(item.uri, wire.changes(params.content_changes), item.version)
        self._check_soon(item.uri, QUIET_SECONDS)

    def did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        """A document is closed; nothing is said about it any more."""
        uri = params.text_document.uri
        self.documents.close(uri)
        if uri in self._waiting:
            self._waiting.pop(uri).cancel()
        self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def _check_soon(self, uri: str, seconds: float) -> None:
        if uri in self._waiting:
            self._waiting[uri].cancel()
        self._waiting[uri] = asyncio.get_running_loop().call_later(seconds, self._check, uri)

    def _check(self, uri: str) -> None:
        self._waiting.pop(uri, None)
        document = self.documents.get(uri)
        if document is None:
            return
        try:
            found = [wire.diagnostic(document, one) for one in document.study.analysis.diagnostics]
        except Exception as error:  # nobody waits for this answer: without one, the old findings would stay
            found = []
            self.server.report_server_error(error, JsonRpcException)
        self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, document.version))

    def _at(self, params: Any) -> tuple[Document, int] | None:
        document = self.documents.get(params.text_document.uri)
        return (document, wire.offset(document, params.position)) if document else None

    # -- reading ------------------------------------------------------------------------------------------------------

    def completion(self, params: types.CompletionParams) -> types.CompletionList | None:
        """What can be written here."""
        place = self._at(params)
        if place is None:
            return None
        blank = params.context is not None and params.context.trigger_character == " "
        return wire.completion(place[0], offers(place[0].study, place[1], behind_blank=blank))

    def hover(self, params: types.HoverParams) -> types.Hover | None:
        """What this word means."""
        place = self._at(params)
        found = meaning(place[0].study, place[1]) if place else None
        if place is None or found is None:
            return None
        return types.Hover(wire.markdown(found.page), wire.range_of(place[0], found.span))

    def definition(self, params: types.DefinitionParams) -> types.Location | None:
        """Where this name is made."""
        place = self._at(params)
        binding = place[0].study.names.at(place[1]) if place else None
        if place is None or binding is None:
            return None
        return types.Location(params.text_document.uri, wire.range_of(place[0], binding.made))

    def references(self, params: types.ReferenceParams) -> list[types.Location]:
        """Where this name stands."""
        place = self._at(params)
        binding = place[0].study.names.at(place[1]) if place else None
        if place is None or binding is None:
            return []
        spans = binding.places if params.context.include_declaration else tuple(sorted(binding.uses))
        return [types.Location(params.text_document.uri, wire.range_of(place[0], span)) for span in spans]

    def symbols(self, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        """Settings, rules and tests."""
        document = self.documents.get(params.text_document.uri)
        return [wire.symbol(document, one) for one in symbols(document.study)] if document else []

    def folds(self, params: types.FoldingRangeParams) -> list[types.FoldingRange]:
        """Blocks and runs of comments."""
        document = self.documents.get(params.text_document.uri)
        return [wire.fold(document, *lines) for lines in document.study.outline.folds()] if document else []

    def lenses(self, params: types.CodeLensParams) -> list[types.CodeLens]:
        """The buttons."""
        uri = params.text_document.uri
        document = self.documents.get(uri)
        return [wire.lens(document, uri, one) for one in lenses(document.study)] if document else []

    # -- changing -----------------------------------------------------------------------------------------------------

    def prepare_rename(self, params: types.PrepareRenameParams) -> types.Range | None:
        """The name that would be renamed."""
        place = self._at(params)
        if place is None:
            return None
        binding = _or_refusal(lambda: renameable(place[0].study, place[1]))
        span = next(span for span in binding.places if span.start <= place[1] <= span.end)
        return wire.range_of(place[0], span)

    def rename(self, params: types.RenameParams) -> types.WorkspaceEdit | None:
        """Give a name another one, everywhere that it stands."""
        place = self._at(params)
        if place is None:
            return None
        edits = _or_refusal(lambda: renamed(place[0].study, place[1], params.new_name))
        return types.WorkspaceEdit(changes={params.text_document.uri: wire.edits(place[0], edits)})

    def format(self, params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        """Put it into the one style; what can not be read is left alone."""
        document = self.documents.get(params.text_document.uri)
        return wire.edits(document, formatted(document.study)) if document else []

    def actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """What can be done about the findings here."""
        uri = params.text_document.uri
        document = self.documents.get(uri)
        wanted = [getattr(kind, "value", kind) for kind in params.context.only or ["quickfix"]]
        if document is None or not any(kind == "quickfix" or kind == "" for kind in wanted):
            return []
        within = wire.span(document, params.range)
        return [wire.action(document, uri, fix) for fix in fixes(document.study, within)]

    # -- commands -----------------------------------------------------------------------------------------------------

    def _command(self, name: str, answer: Callable[[str, int | None], commands.Answer]) -> None:
        """Answer a command in a thread of its own, for a coworker's tests may take their time, and show the answer."""

        async def command(*arguments: Any) -> str:
            uri, line = (*arguments, None, None)[:2]
            if not isinstance(uri, str) or not (line is None or isinstance(line, int)) or len(arguments) > 2:
                raise _refusal(f"`{name}` takes the address of a document and the number of a line.")
            try:
                found = await asyncio.to_thread(answer, uri, line)
            except Unreadable as error:
                raise _refusal(str(error)) from error
            if self.shows_answers:
                type = types.MessageType.Info if found.fine else types.MessageType.Warning
                self.server.window_show_message(types.ShowMessageParams(type, found.text))
            return found.text

        handler: Callable[..., Awaitable[str]] = command
        self.server.command(name)(handler)

    def _text(self, uri: str) -> str:
        """The text of a document as the editor shows it; of one that is not open, as it is on the disk."""
        document = self.documents.get(uri)
        return document.text if document is not None else read_text(_path(uri))

    def permissions(self, uri: str, line: int | None) -> commands.Answer:
        """``klapp.permissions``."""
        return commands.permissions(self._text(uri))

    def test(self, uri: str, line: int | None) -> commands.Answer:
        """``klapp.test``: the test on a line, or all."""
        return commands.tests(self._text(uri), line)

    def simulate(self, uri: str, line: int | None) -> commands.Answer:
        """``klapp.simulate``: of what is on the disk, for that is what the agent reads."""
        path = _path(uri)
        if self._text(uri) != read_text(path):
            return commands.Answer("Save the file first: what is simulated is the file on the disk.", fine=False)
        return commands.simulate(path)


def _path(uri: str) -> Any:
    path = commands.path_of(uri)
    if path is None:
        raise Unreadable(f"{uri} is not a file on this machine. Save it to one first.")
    return path


def _or_refusal(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Refused as error:
        raise _refusal(str(error)) from error


def _refusal(sentence: str) -> JsonRpcException:
    return JsonRpcException(sentence, types.LSPErrorCodes.RequestFailed.value)
