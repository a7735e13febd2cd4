"""Who may come in: an app behind the gate answers one browser on this machine, and no other page that it has open.

A page on the Web can make a browser send requests to 127.0.0.1, and after a change of its own DNS entry (rebinding)
even read the answers. So the address holds a random token, the Host must be this machine, and a request that changes
something must come from our own page. Other users of the machine do not know the token.
"""

import secrets
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1 << 18  # 256 KiB: an answer holds one line of text
# Pages are made of our own files alone: no script in a page's text runs, whatever a label or a file name holds.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",  # the address holds the token
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Gate:
    """An ASGI app that lets through to another one what comes from its own page in a browser on this machine.

    Args:
      app: the other one; sees the token as its `root_path`.
      port: that it is served on.
      token: the first part of every path.
    """

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app, self._token = app, token
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or passes it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *added]}
            await send(message)

        refused = self._refusal(scope)
        if refused is not None:
            code, why = refused
            await guarded(
                {"type": "http.response.start", "status": code, "headers": [(b"content-type", b"text/plain")]}
            )
            await guarded({"type": "http.response.body", "body": f"{why}\n".encode()})
            return
        await self._app({**scope, "root_path": f"/{self._token}"}, receive, guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Returns the status and the reason for which a request is refused; None if it may pass."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        if len(headers.get("host", [])) != 1 or headers["host"][0] not in self._hosts:
            return 403, "refused: expected the Host of this machine"
        token, slash, _ = scope["path"].removeprefix("/").partition("/")
        if not slash or not secrets.compare_digest(token.encode(), self._token.encode()):
            return 403, "refused: expected the whole address that was printed, with its token"
        origins = headers.get("origin", [])
        own = {f"http://{host}" for host in self._hosts}
        if any(origin not in own for origin in origins) or headers.get("sec-fetch-site", ["none"])[0] not in (
            "same-origin",
            "none",
        ):
            return 403, "refused: expected a request of our own page"
        if scope["method"] in ("GET", "HEAD"):
            return None
        return self._refusal_of_post(scope["method"], headers)

    def _refusal_of_post(self, method: str, headers: Mapping[str, list[str]]) -> tuple[int, str] | None:
        if method != "POST":
            return 405, "refused: expected GET or POST"
        if not headers.get("origin"):
            return 403, "refused: expected an Origin, as browsers send it"
        # A form of a foreign page cannot send this type.
        if headers.get("content-type") != ["application/json"]:
            return 415, "refused: expected application/json"
        length = headers.get("content-length", [""])[0]
        if not length.isdecimal():
            return 411, "refused: expected a Content-Length"
        if int(length) > MAX_BODY_BYTES:
            return 413, f"refused: expected {MAX_BODY_BYTES} bytes at most"
        return None
