"""What the pages of every app are made of: our own style and scripts, and pictures as a browser can show them."""

from importlib.resources import files
from io import BytesIO

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

ASSETS = {
    "review.js": "text/javascript",
    "review.css": "text/css",
    "browse.css": "text/css",
    "page.css": "text/css",
    "report.css": "text/css",
}
_SHARED = ("page.css", "report.css")  # of files that need no server, too
MAX_SHOWN_PX = 4096  # of width and height; a larger picture is scaled down for the page


def asset(request: Request) -> Response:
    """Answers with one of our own files, by its name."""
    name = request.path_params["name"]
    if name not in ASSETS:
        return Response("no such file", 404)
    package, folder = ("ocrlib.html", "templates") if name in _SHARED else ("ocrlib.web", "static")
    return Response(files(package).joinpath(folder, name).read_bytes(), media_type=ASSETS[name])


def whole(text: str | None) -> int | None:
    """Returns the number from 0 on that an address holds; None where it holds another text."""
    return int(text) if text and text.isdecimal() and len(text) < 16 else None


def png_of(picture: Image.Image) -> bytes:
    """Returns a picture as a browser can show it."""
    if max(picture.size) > MAX_SHOWN_PX:
        picture = picture.copy()
        picture.thumbnail((MAX_SHOWN_PX, MAX_SHOWN_PX))
    if picture.mode not in ("L", "RGB", "RGBA", "1", "P", "I;16"):
        picture = picture.convert("RGB")
    stream = BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    return stream.getvalue()
