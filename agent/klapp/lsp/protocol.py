"""pygls' side of the conversation, made strict: every request is answered, and no answer carries a traceback.

pygls keeps texts of its own; it is not asked for them. It splits lines where Python does, at U+2028 for example, and the
protocol does not; a change on such a text would go astray.
"""

from __future__ import annotations

from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import JsonRPCNotification, LanguageServerProtocol
from pygls.protocol.json_rpc import RPCRequest

MISTAKE = "klapp has made a mistake of its own. Nothing was lost; please report it."


class StrictProtocol(LanguageServerProtocol):
    """Answers what pygls would leave without one, and leaves open texts to the server's own handlers."""

    # Without an entry here, pygls hands these to the server and keeps no texts.
    lsp_text_document__did_open = None  # type: ignore[assignment]
    lsp_text_document__did_change = None  # type: ignore[assignment]
    lsp_text_document__did_close = None  # type: ignore[assignment]

    def structure_message(self, data: dict[str, Any]) -> Any:
        """A message as an object; one that is not of the protocol is answered here, and becomes one that nobody hears."""
        try:
            return super().structure_message(data)
        except Exception:
            method = data.get("method")
            if isinstance(data.get("id"), int | str) and method is not None:
                message = f"These are not the parameters that the protocol has for `{method}`."
                self._send_response(data["id"], error=_error(types.ErrorCodes.InvalidParams, message))
            return JsonRPCNotification(method="$/unreadable", jsonrpc="2.0", params=None)

    def handle_message(self, message: Any) -> None:
        """Handle a message; a request out of turn is told so."""
        if isinstance(message, RPCRequest):
            if self._shutdown:
                return self._send_response(
                    message.id, error=_error(types.ErrorCodes.InvalidRequest, "It is shut down.")
                )
            if self._workspace is None and message.method != types.INITIALIZE:
                error = _error(types.ErrorCodes.ServerNotInitialized, "`initialize` comes first.")
                return self._send_response(message.id, error=error)
        super().handle_message(message)
        return None

    def _send_response(self, msg_id: Any, result: Any = None, error: types.ResponseError | None = None) -> None:
        if error is not None and error.data is not None:
            error = _error(types.ErrorCodes.InternalError, MISTAKE)
        super()._send_response(msg_id, result, error)


class StrictServer(LanguageServer):
    """A server whose own mistakes go to the editor's log, as a sentence."""

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Tell the editor's log; requests are answered with their errors already."""
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, MISTAKE))


def _error(code: types.ErrorCodes, message: str) -> types.ResponseError:
    return types.ResponseError(code=code.value, message=message)
