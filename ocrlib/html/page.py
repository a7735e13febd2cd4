"""HTML pages from templates: every text is escaped, because labels, file names and settings are somebody else's."""

import base64
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

SHARED = Path(__file__).parent / "templates"  # the style and the frame of all pages


def render_page(folder: Path, name: str, values: Mapping[str, Any]) -> str:
    """Returns a template with its values filled in.

    Args:
      folder: of the template.
      name: of its file.
      values: by name; one that is missing is a mistake of ours.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(values)


def png_uri(picture: bytes | Image.Image) -> str:
    """Returns the address of a picture, or of a ready PNG, that stands within the page itself."""
    if isinstance(picture, Image.Image):
        stream = BytesIO()
        picture.save(stream, "PNG", optimize=True)
        picture = stream.getvalue()
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
