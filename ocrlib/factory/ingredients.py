"""What a recipe names, opened and hashed before anything is drawn: texts, fonts, pictures of paper, versions."""

import platform
from dataclasses import dataclass
from importlib.metadata import version

from ocrlib import __version__, config
from ocrlib.factory.recipe import Recipe, fingerprint
from ocrlib.factory.render.fonts import Face, load_faces
from ocrlib.factory.render.renderer import looks_of, render_inputs
from ocrlib.factory.text import open_text
from ocrlib.factory.text.source import TextSource


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """What a recipe names, opened and hashed.

    Attributes:
      texts: where the lines' texts come from.
      faces: the fonts that are drawn with.
      left_out: {font: why it is not used}.
      inputs: {what: hash or version} of all that shapes the samples besides the recipe.
      fingerprint: the SHA-256 (hex) of recipe and inputs.
    """

    texts: TextSource
    faces: list[Face]
    left_out: dict[str, str]
    inputs: dict[str, str]
    fingerprint: str


def gather(recipe: Recipe) -> Ingredients:
    """Opens the texts and fonts of a recipe.

    Raises:
      UserError: one of them is missing or cannot be used.
    """
    texts = open_text(recipe.text, recipe.seed)
    for split, samples in config.to_dict(recipe.splits).items():
        if samples:
            texts.check_split(split)
    faces, left_out = load_faces(recipe.render.fonts, recipe.text.charset, recipe.render.font_coverage)
    looks_of(recipe.render, faces, left_out)  # called for its errors, before any work is done
    inputs = {**texts.inputs, **render_inputs(recipe.render, faces)}
    return Ingredients(
        texts=texts, faces=faces, left_out=left_out, inputs=inputs, fingerprint=fingerprint(recipe, inputs)
    )


def environment() -> dict[str, str]:
    """Returns {package: version} of what lines are drawn and stored with."""
    packages = ("trdg", "pillow", "opencv-python", "uharfbuzz", "numpy", "h5py")
    return {"python": platform.python_version(), "ocrlib": __version__} | {name: version(name) for name in packages}
