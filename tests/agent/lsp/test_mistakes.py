"""When klapp itself is wrong: the editor has an answer, the next request is served, and nobody sees a traceback."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from klapp.lsp import server as module
from klapp.lsp.protocol import MISTAKE
from klapp.lsp.server import Service

URI = "file:///a.klr"
PLACE = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}}


class Talk:
    """A service in this process, and what it writes."""

    def __init__(self) -> None:
        self.service = Service()
        self.written: list[dict[str, Any]] = []
        self.service.server.protocol.set_writer(self, include_headers=False)

    def write(self, data: bytes) -> None:
        self.written.append(json.loads(data))

    def close(self) -> None:
        pass

    def hear(self, method: str, params: Any, number: int | None = None) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params} | ({"id": number} if number else {})
        protocol = self.service.server.protocol
        protocol.handle_message(json.loads(json.dumps(message), object_hook=protocol.structure_message))


def boom(*arguments: object, **options: object) -> Any:
    raise KeyError("planted")


def test_a_mistake_is_answered_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk()
    talk.hear("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 1)
    with monkeypatch.context() as patch:
        patch.setattr(talk.service.documents, "get", boom)
        talk.hear("textDocument/hover", PLACE, 2)
    talk.hear("textDocument/hover", PLACE, 3)
    answers = {one["id"]: one for one in talk.written if "id" in one}
    assert answers[2]["error"] == {"code": -32603, "message": MISTAKE}
    assert answers[3]["result"] is None
    assert "planted" not in json.dumps(talk.written)


def test_findings_that_can_not_be_made_do_not_stay_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk()

    async def editing() -> None:
        talk.hear("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 1)
        item = {"uri": URI, "languageId": "klr", "version": 4, "text": "when"}
        monkeypatch.setattr(module.wire, "diagnostic", boom)
        talk.hear("textDocument/didOpen", {"textDocument": item})
        await asyncio.sleep(0.05)

    asyncio.run(editing())
    told = {one["method"]: one["params"] for one in talk.written if "method" in one}
    assert told["textDocument/publishDiagnostics"] == {"uri": URI, "diagnostics": [], "version": 4}
    assert told["window/logMessage"]["message"] == MISTAKE
