"""An editor for tests: speaks the protocol to a real ``klapp lsp``, byte for byte, and knows nothing of how it is made."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
SECONDS = 30
Message = dict[str, Any]


class Editor:
    """One editor with its server. Use it in a ``with``; on leaving it, the server must end well and have said nothing."""

    def __init__(self, folder: Path, encodings: list[str] | None = None) -> None:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KLAPP_HOME": str(folder / "state"),
            "KLAPP_KEYRING": "off",
            "PYTHONPATH": os.pathsep.join((str(ROOT / "dsl"), str(ROOT / "agent"))),
        }
        command = [sys.executable, "-m", "klapp.cli.main", "lsp", "--stdio"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=env, cwd=folder)
        self.told: list[Message] = []
        self.errors = b""
        self._encodings = encodings
        self._heard: queue.Queue[Message | None] = queue.Queue()
        self._number = 0
        self._versions: dict[str, int] = {}
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._overhear, daemon=True).start()

    def __enter__(self) -> Editor:
        general = {"positionEncodings": self._encodings} if self._encodings else {}
        self.capabilities = self.ask("initialize", processId=None, rootUri=None, capabilities={"general": general})[
            "capabilities"
        ]
        self.tell("initialized")
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        try:
            if kind is None:
                self.ask("shutdown")
                self.tell("exit")
                assert self.process.wait(SECONDS) == 0
                assert self.errors == b""
        finally:
            self.process.kill()
            self.process.wait()

    # -- frames -------------------------------------------------------------------------------------------------------

    def raw(self, body: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _listen(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            length = 0
            while header.strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                header = stream.readline()
            self._heard.put(json.loads(stream.read(length)))
        self._heard.put(None)

    def _overhear(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors += line

    def _next(self) -> Message:
        message = self._heard.get(timeout=SECONDS)
        assert message is not None, f"the server is gone: {self.errors.decode()}"
        if "id" not in message:
            self.told.append(message)
        return message

    # -- the protocol -------------------------------------------------------------------------------------------------

    def tell(self, method: str, **params: Any) -> None:
        self.raw(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode())

    def response(self, method: str, params: Any) -> Message:
        """The whole answer to a request, which may be an error."""
        self._number += 1
        message = {"jsonrpc": "2.0", "id": self._number, "method": method}
        self.raw(json.dumps(message if params is None else {**message, "params": params}).encode())
        while (answer := self._next()).get("id") != self._number:
            pass
        assert "Traceback" not in json.dumps(answer)
        assert "traceback" not in json.dumps(answer)
        return answer

    def ask(self, method: str, **params: Any) -> Any:
        answer = self.response(method, params or None)
        assert "error" not in answer, answer
        return answer.get("result")

    def refused(self, method: str, **params: Any) -> str:
        """The sentence with which a request is refused."""
        answer = self.response(method, params)
        assert "error" in answer, answer
        return str(answer["error"]["message"])

    def shown(self) -> str:
        """The text that was shown last."""
        return str([m for m in self.told if m["method"] == "window/showMessage"][-1]["params"]["message"])

    # -- documents ----------------------------------------------------------------------------------------------------

    def open(self, text: str, uri: str = "file:///a.klr") -> list[Message]:
        """Open a document; what is found in it."""
        self._versions[uri] = max(self._versions.values(), default=0) + 1
        item = {"uri": uri, "languageId": "klapp", "version": self._versions[uri], "text": text}
        self.tell("textDocument/didOpen", textDocument=item)
        return self.findings(uri)

    def change(self, changes: list[Message], uri: str = "file:///a.klr") -> None:
        self._versions[uri] += 1
        document = {"uri": uri, "version": self._versions[uri]}
        self.tell("textDocument/didChange", textDocument=document, contentChanges=changes)

    def findings(self, uri: str = "file:///a.klr") -> list[Message]:
        """What is found in the newest version of a document."""
        while True:
            for message in self.told:
                params = message.get("params")
                of_uri = message["method"] == "textDocument/publishDiagnostics" and params["uri"] == uri
                if of_uri and params.get("version") == self._versions[uri]:
                    return list(params["diagnostics"])
            self._next()

    def at(self, method: str, line: int, character: int, uri: str = "file:///a.klr", **more: Any) -> Any:
        """Ask about a position."""
        position = {"line": line, "character": character}
        return self.ask(f"textDocument/{method}", textDocument={"uri": uri}, position=position, **more)

    def of(self, method: str, uri: str = "file:///a.klr", **more: Any) -> Any:
        """Ask about a whole document."""
        return self.ask(f"textDocument/{method}", textDocument={"uri": uri}, **more)


def applied(text: str, edits: list[Message]) -> str:
    """A text with the edits of an answer, positions in UTF-16, lines broken by LF."""
    data = text.encode("utf-16-le", "surrogatepass")
    starts = [0]
    for index in range(0, len(data), 2):
        if data[index : index + 2] == b"\n\0":
            starts.append(index + 2)

    def place(position: Message) -> int:
        return starts[position["line"]] + 2 * int(position["character"])

    for edit in sorted(edits, key=lambda e: place(e["range"]["start"]), reverse=True):
        start, end = place(edit["range"]["start"]), place(edit["range"]["end"])
        data = data[:start] + edit["newText"].encode("utf-16-le", "surrogatepass") + data[end:]
    return data.decode("utf-16-le", "surrogatepass")
