"""A dataset as pages: a list with filters, and a page for each line. Every view is an address; there is no script."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ocrlib.errors import UserError
from ocrlib.evaluation.evaluate import ReadLine
from ocrlib.html.page import render_page
from ocrlib.reading.recognizer import Reading
from ocrlib.web.assets import asset, png_of, whole
from ocrlib.web.catalogue import Catalogue, Wanted
from ocrlib.web.figures import marked

TEMPLATES = Path(__file__).parent / "templates"
PAGE_LINES = 40
MAX_SHOWN_BATCH = 40


def browse_app(catalogue: Catalogue, title: str) -> Starlette:
    """Returns the app that shows a dataset.

    Args:
      catalogue: of the dataset.
      title: of its pages, such as the folder's name.
    """

    def page(name: str, values: Mapping[str, Any]) -> Response:
        return Response(render_page(TEMPLATES, name, {"title": title, **values}), media_type="text/html")

    def lines(request: Request) -> Response:
        try:
            values = list_values(catalogue, dict(request.query_params))
        except UserError as error:
            return Response(str(error), 422, media_type="text/plain")
        return page("browse.html", values)

    def line(request: Request) -> Response:
        split, place = request.path_params["split"], whole(request.path_params["place"])
        if place is None or place >= catalogue.count(split):
            return Response("no such line", 404)
        try:
            return page("browse_line.html", line_values(catalogue, split, place))
        except UserError as error:
            return Response(str(error), 422, media_type="text/plain")

    def picture(request: Request) -> Response:
        split, place = request.path_params["split"], whole(request.path_params["place"])
        if place is None or place >= catalogue.count(split):
            return Response("no such line", 404)
        try:
            return Response(png_of(Image.fromarray(catalogue.image(split, place))), media_type="image/png")
        except (UserError, ValueError) as error:  # ValueError: the image is damaged
            return Response(str(error), 422, media_type="text/plain")

    app = Starlette(
        routes=[
            Route("/", lines),
            Route("/line/{split}/{place}", line),
            Route("/picture/{split}/{place}", picture),
            Route("/static/{name}", asset),
        ]
    )
    app.router.redirect_slashes = False  # a redirect decodes what was asked for, and fails where it is no UTF-8
    return app


def wanted_of(catalogue: Catalogue, asked: Mapping[str, str]) -> Wanted:
    """Returns which lines an address asks for; what it says of things that there are not is left out."""
    filled = [split for split, entry in catalogue.manifest.splits.items() if entry.samples]
    split = asked.get("split", "")
    return Wanted(
        split=split if split in filled else filled[0],
        font=asked.get("font", ""),
        text=asked.get("text", ""),
        degradation=asked.get("degradation", ""),
        shortest=whole(asked.get("shortest")) or 0,
        longest=whole(asked.get("longest")),
        misread=catalogue.reads and asked.get("misread") == "1",
        below=_share(asked.get("below")) if catalogue.reads else None,
    )


def list_values(catalogue: Catalogue, asked: Mapping[str, str]) -> dict[str, Any]:
    """Returns what the template of the list shows for an address."""
    wanted = wanted_of(catalogue, asked)
    start = whole(asked.get("start")) or 0
    found = catalogue.search(wanted, start, PAGE_LINES)
    manifest, total = catalogue.manifest, catalogue.count(wanted.split)
    given = {name: value for name, value in asked.items() if value and name != "start"}
    recipe = manifest.recipe.get("render") or {}
    return {
        "wanted": wanted,
        "lines": [_line(catalogue, wanted.split, place) for place in found.places],
        "total": total,
        "start": start,
        "searched": found.searched,
        "more": urlencode({**given, "start": found.searched}) if found.searched < total else None,
        "splits": [split for split, entry in manifest.splits.items() if entry.samples],
        "fonts": manifest.fonts.get("used", []),
        "degradations": sorted(recipe.get("degrade") or {}) if isinstance(recipe.get("degrade"), dict) else [],
        "reads": catalogue.reads,
    }


def line_values(catalogue: Catalogue, split: str, place: int) -> dict[str, Any]:
    """Returns what the template of a line shows."""
    batch, bucket = catalogue.batch_of(split, place)
    here = batch.index(place)
    first = max(0, min(here - MAX_SHOWN_BATCH // 2, len(batch) - MAX_SHOWN_BATCH))
    return {
        "line": _line(catalogue, split, place),
        "split": split,
        "place": place,
        "total": catalogue.count(split),
        "about": list(catalogue.about(split, place).items()),
        "bucket": bucket,
        "batch": [_line(catalogue, split, other) for other in batch[first : first + MAX_SHOWN_BATCH]],
        "in_batch": len(batch),
    }


def _line(catalogue: Catalogue, split: str, place: int) -> dict[str, Any]:
    about = catalogue.about(split, place)
    reading = catalogue.read(split, [place])[0] if catalogue.reads else None
    return {
        "split": split,
        "place": place,
        "id": about["id"],
        "text": about["text"],
        "reading": None if reading is None else _marked(str(about["text"]), reading),
        "confidence": None if reading is None else reading.confidence,
        "right": reading is not None and reading.text == about["text"],
    }


def _marked(truth: str, reading: Reading) -> str:
    line = ReadLine(
        name="",
        truth=truth,
        text=reading.text,
        confidence=reading.confidence,
        width_px=0,
        sureness=reading.sureness,
    )
    return marked(line)


def _share(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None
