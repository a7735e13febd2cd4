"""The labelling desk as pages and requests: what a browser asks of `desk.Desk`."""

import json
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ocrlib.errors import UserError
from ocrlib.html.page import render_page
from ocrlib.web.answers import KINDS, ChangedMeanwhile
from ocrlib.web.assets import asset, png_of, whole
from ocrlib.web.desk import Desk


class BadRequest(Exception):
    """A request that our own page does not send."""


def review_app(desk: Desk, title: str) -> Starlette:
    """Returns the app of a desk.

    Args:
      desk: that it shows.
      title: of the page, such as the folder's name.
    """

    def page(request: Request) -> Response:
        values = {"title": title, "lines": len(desk.lines), "left_out": [str(each) for each in desk.lines.left_out]}
        return Response(render_page(Path(__file__).parent / "templates", "review.html", values), media_type="text/html")

    def picture(request: Request) -> Response:
        number = whole(request.path_params["number"])
        if number is None or number >= len(desk.lines):
            return Response("no such line", 404)
        try:
            return Response(png_of(desk.picture(number)), media_type="image/png")
        except UserError as error:
            return Response(str(error), 404)

    def answered(ask: dict[str, Any], what: str) -> tuple[int, dict[str, Any]]:
        try:
            return 200, _REQUESTS[what](desk, ask)
        except BadRequest as error:
            return 400, {"error": str(error)}
        except UserError as error:
            return 422, {"error": str(error)}
        except ChangedMeanwhile:
            return 409, {"error": "another hand changed this line meanwhile", "line": desk.show(_number(desk, ask))}

    async def asked(request: Request) -> Response:
        what = request.path_params["what"]
        if what not in _REQUESTS:
            return JSONResponse({"error": "no such request"}, 404)
        try:
            ask = json.loads(await request.body())
        except (ValueError, RecursionError):
            ask = None
        if not isinstance(ask, dict):
            return JSONResponse({"error": "expected a JSON object"}, 400)
        code, values = await run_in_threadpool(answered, ask, what)
        return JSONResponse({**values, "progress": desk.progress()}, code)

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/static/{name}", asset),
            Route("/picture/{number}", picture),
            Route("/ask/{what}", asked, methods=["POST"]),
        ]
    )
    app.router.redirect_slashes = False  # a redirect decodes what was asked for, and fails where it is no UTF-8
    return app


def _next(desk: Desk, ask: dict[str, Any]) -> dict[str, Any]:
    number = desk.next(_text(ask, "tab", 100))
    return {"line": None if number is None else desk.show(number)}


def _line(desk: Desk, ask: dict[str, Any]) -> dict[str, Any]:
    return {"line": desk.show(_number(desk, ask))}


def _before(desk: Desk, ask: dict[str, Any]) -> dict[str, Any]:
    number = desk.before(_number(desk, ask) if ask.get("number") is not None else None)
    return {"line": None if number is None else desk.show(number)}


def _later(desk: Desk, ask: dict[str, Any]) -> dict[str, Any]:
    desk.put_off(_number(desk, ask))
    return _next(desk, ask)


def _remarks(desk: Desk, ask: dict[str, Any]) -> dict[str, Any]:
    return {"remarks": desk.remarks(_text(ask, "text"))}


def _answer(desk: Desk, ask: dict[str, Any]) -> dict[str, Any]:
    kind, text, tab = ask.get("kind"), _text(ask, "text"), _text(ask, "tab", 100)
    if kind not in KINDS:
        raise BadRequest("expected one of our own kinds of answers")
    if kind == "text" and ask.get("anyway") is not True and not desk.fits(text.strip()):
        return {"misfit": True}
    number = _number(desk, ask)
    version = desk.answer(number, kind, text, _text(ask, "version", 100))
    return {"answered": {"number": number, "version": version}, **_next(desk, {"tab": tab})}


def _undo(desk: Desk, ask: dict[str, Any]) -> dict[str, Any]:
    number = _number(desk, ask)
    desk.take_back(number, _text(ask, "version", 100))
    return {"line": desk.show(number)}


_REQUESTS = {
    "next": _next,
    "line": _line,
    "before": _before,
    "later": _later,
    "remarks": _remarks,
    "answer": _answer,
    "undo": _undo,
}


def _text(ask: dict[str, Any], key: str, most: int = 1 << 16) -> str:
    value = ask.get(key, "")
    if not isinstance(value, str) or len(value) > most or any(0xD800 <= ord(c) < 0xE000 for c in value):
        raise BadRequest(f"expected a text as {key!r}")  # half a surrogate pair can be sent, and never be written
    return value


def _number(desk: Desk, ask: dict[str, Any]) -> int:
    value = ask.get("number")
    if type(value) is not int or not 0 <= value < len(desk.lines):
        raise BadRequest("expected the number of a line as 'number'")
    return value


def last_words(desk: Desk, out: Path) -> str:
    """Returns what the terminal says when the desk closes."""
    progress = desk.progress()
    told = f"{out}: {progress['answered']} of {progress['lines']} lines answered"
    if progress["compared"]:
        told += (
            f"; the model had read {progress['wrong']:.1%} of {progress['compared']} wrong (CER {progress['cer']:.2%})"
        )
    again = f"the same command goes on with the {progress['open']} others\n" if progress["open"] else ""
    return f"{told}\n{again}next: " + "\nthen: ".join(desk.commands())
