"""HTML pages from templates: every text is escaped, because labels, file names and settings are somebody else's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

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
