"""From a recipe and a sample's number to a `Sample`: text, face and options are drawn here, from one seed.

Sample i of a split depends on (recipe seed, split, i, attempt) and nothing else, so it is the same in any worker and in
any order. A draw that cannot be used is counted by its reason, and the next attempt draws again.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from importlib.metadata import version
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np

from ocrlib.ctc import ctc_steps
from ocrlib.dataset.sample import Sample, sample_id
from ocrlib.errors import UserError
from ocrlib.factory.render.backgrounds import files_in
from ocrlib.factory.render.degrade import TWO_LEVELS, Rows, degrade, draw_degradations, rows_of
from ocrlib.factory.render.fonts import Face
from ocrlib.factory.render.line import RenderedLine, render_line
from ocrlib.factory.render.marks import contrast
from ocrlib.factory.render.options import LineOptions
from ocrlib.factory.render.render_error import RenderError
from ocrlib.factory.render.typeset import draw_typeset
from ocrlib.factory.settings.render import Look, Render
from ocrlib.factory.settings.types import Choice
from ocrlib.factory.settings.typeset import Typeset
from ocrlib.factory.text.source import TextSource, sample_rng

RENDER_VERSION = 6  # raise it when the same recipe gives other bytes
MAX_ATTEMPTS = 1000  # draws of one sample before the recipe is refused


class Renderer:
    """Renders the samples of one recipe.

    Args:
      render: the recipe's `[render]`.
      seed: the recipe's.
      faces: the usable faces, in a fixed order.
      texts: where the strings come from.
    """

    def __init__(self, render: Render, seed: int, faces: Sequence[Face], texts: TextSource) -> None:
        self._settings = render
        self._seed = seed
        self._looks = looks_of(render, faces)
        self._weights = [look.weight for look in self._looks]
        self._texts = texts
        self._image_dir = str(background_folder(render)) if render.background_images else None

    def render(self, split: str, index: int) -> tuple[Sample, Counter[str]]:
        """Returns sample `index` of `split`, and the number of rejected draws before it, by reason.

        Raises:
          UserError: none of MAX_ATTEMPTS draws could be used.
        """
        rejected: Counter[str] = Counter()
        for attempt in range(MAX_ATTEMPTS):
            text, source = self._texts.draw(split, index, attempt)
            rng = sample_rng(self._seed, split, index, attempt, "render")
            look = self._pick_look(split, index, attempt)
            face = self._pick_face(look, split, rng)
            options, seed = self._draw_options(rng), rng.getrandbits(31)
            if typeset := draw_typeset(look.typeset, text, rng):
                options = replace(options, typeset=typeset)
            if not face.supported.issuperset(text):
                rejected["glyph-missing"] += 1
                continue
            try:
                line = render_line(text, face.path, options, seed)
            except RenderError as error:
                rejected[error.reason] += 1
                continue
            drawn = draw_degradations(look.degradations, look.clean, rng)
            if any(name == "wheels" for name, _ in options.typeset):
                drawn = [(name, strength) for name, strength in drawn if name not in TWO_LEVELS]
            image = degrade(line.image, drawn, seed)
            if reason := self._reject_reason(image, text):
                rejected[reason] += 1
                continue
            provenance = _provenance(face, options, line) | {
                "degradation": " ".join(f"{name}={strength}" for name, strength in (*options.typeset, *drawn)),
                "source": source,
                "seed": seed,
                "attempt": attempt,
            }
            sample = Sample(id=sample_id(split, index), text=text, image=image, provenance=provenance)
            return sample, rejected
        reasons = ", ".join(f"{reason} {count}" for reason, count in rejected.most_common())
        raise UserError(
            f"[render] sample {sample_id(split, index)} could not be drawn in {MAX_ATTEMPTS} attempts ({reasons}); "
            "loosen the recipe: contrast, colours, margins, width, fonts or the length of texts"
        )

    def _pick_look(self, split: str, index: int, attempt: int) -> "DrawnLook":
        if len(self._looks) == 1:
            return self._looks[0]
        return sample_rng(self._seed, split, index, attempt, "look").choices(self._looks, self._weights)[0]

    def _pick_face(self, look: "DrawnLook", split: str, rng: Random) -> Face:
        heldout = split == "test" and bool(look.heldout.faces) and rng.random() < self._settings.heldout_share
        pool = look.heldout if heldout else look.known
        return rng.choices(pool.faces, cum_weights=pool.weights)[0]

    def _draw_options(self, rng: Random) -> LineOptions:
        """Draws one value from each range and choice of the recipe, in a fixed order."""
        render = self._settings
        return LineOptions(
            height=render.height,
            channels=render.channels,
            skew_deg=rng.randint(*render.skew),
            random_skew=render.random_skew,
            blur=round(rng.uniform(*render.blur), 3),
            random_blur=render.random_blur,
            background=_choose(render.background, rng),
            image_dir=self._image_dir,
            distortion=_choose(render.distortion, rng),
            distortion_axis=_choose(render.distortion_axis, rng),
            text_color=_choose(render.text_color, rng),
            stroke_width=rng.randint(*render.stroke_width),
            stroke_fill=_choose(render.stroke_fill, rng),
            space_width=round(rng.uniform(*render.space_width), 3),
            character_spacing=rng.randint(*render.character_spacing),
            word_split=rng.random() < render.word_split,
            fit=rng.random() < render.fit,
            margins=tuple(rng.randint(*margin) for margin in render.margins),  # type: ignore[arg-type]
            width=render.width,
            alignment=_choose(render.alignment, rng),
        )

    def _reject_reason(self, image: np.ndarray, text: str) -> str:
        """Why an image cannot be used with its label, or an empty string."""
        if image.shape[1] < ctc_steps(text) * self._settings.px_per_step:
            return "too-narrow"
        if contrast(image) < self._settings.min_contrast:
            return "low-contrast"
        return ""


class FacePool(NamedTuple):
    """Faces to choose from, and their cumulative weights."""

    faces: list[Face]
    weights: list[float]


class DrawnLook(NamedTuple):
    """A look of the recipe and its faces: those for all splits, and those that only `test` is drawn with."""

    weight: float
    known: FacePool
    heldout: FacePool
    typeset: Typeset
    degradations: Rows
    clean: float


def looks_of(render: Render, faces: Sequence[Face], left_out: Mapping[str, str] | None = None) -> list[DrawnLook]:
    """Returns the looks of a recipe, or the one of a recipe that names none.

    Raises:
      UserError: as `split_faces`, or no face for all splits has a name as a look asks for.
    """
    known, heldout = split_faces(render, faces, left_out)
    looks = []
    for name, look in (render.looks or {"": Look(typeset=render.typeset, degrade=render.degrade)}).items():
        pools = [_named_like(pool.faces, look.fonts) if look.fonts else pool for pool in (known, heldout)]
        if not pools[0].faces:
            raise UserError(
                f"[render.looks.{name}] fonts: no usable face that is not held out has a name like "
                f"{', '.join(look.fonts)}"
            )
        rows, clean = rows_of(look.degrade), look.degrade.clean
        looks.append(DrawnLook(look.weight, pools[0], pools[1], look.typeset, rows, clean))
    return looks


def _named_like(faces: Sequence[Face], patterns: Sequence[str]) -> FacePool:
    return _pool([face for face in faces if any(fnmatchcase(face.name, pattern) for pattern in patterns)])


def _pool(faces: list[Face]) -> FacePool:
    return FacePool(faces, list(accumulate(face.weight for face in faces)))


def split_faces(
    render: Render, faces: Sequence[Face], left_out: Mapping[str, str] | None = None
) -> tuple[FacePool, FacePool]:
    """Returns the faces for all splits, and those that only `test` is drawn with.

    Args:
      render: the recipe's `[render]`.
      faces: the usable faces.
      left_out: {file name: why it cannot be used}, for the message.

    Raises:
      UserError: a pattern of render.heldout_fonts matches no face, or all faces are held out.
    """
    for pattern in render.heldout_fonts:
        if not any(fnmatchcase(face.name, pattern) for face in faces):
            reasons = [f"; {name} {why}" for name, why in (left_out or {}).items() if fnmatchcase(name, pattern)]
            raise UserError(f"[render] heldout_fonts: no usable face has a name like {pattern!r}{''.join(reasons[:1])}")
    known: list[Face] = []
    heldout: list[Face] = []
    for face in faces:
        is_heldout = any(fnmatchcase(face.name, pattern) for pattern in render.heldout_fonts)
        (heldout if is_heldout else known).append(face)
    if not known:
        raise UserError("[render] heldout_fonts: holds out every face; leave some to draw the other splits with")
    return _pool(known), _pool(heldout)


def background_folder(render: Render) -> Path:
    """Returns the folder of pictures for background `image`.

    Raises:
      UserError: it is not a folder, or it has no files.
    """
    folder = Path(render.background_images or "")
    if render.background_images == "trdg":
        spec = find_spec("trdg")
        assert spec is not None and spec.origin is not None
        folder = Path(spec.origin).parent / "images"
    if not folder.is_dir() or not files_in(str(folder)):
        raise UserError(f"[render] background_images '{folder}': expected a folder of pictures, or 'trdg'")
    return folder


def render_inputs(render: Render, faces: Sequence[Face]) -> dict[str, str]:
    """Returns {what: hash or version} of everything that decides the pixels, for the fingerprint."""
    inputs = {f"font:{face.name}:{face.sha256[:16]}": repr(face.weight) for face in faces}
    if render.background_images is not None:
        folder = background_folder(render)
        for name in files_in(str(folder)):
            inputs[f"background:{name}"] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    for package in ("trdg", "pillow", "opencv-python"):
        inputs[package] = version(package)
    return inputs | {"render": str(RENDER_VERSION)}


def _choose(choices: Choice, rng: Random) -> Any:
    """Returns one name, drawn by weight; Any, because the recipe has checked that it is one of the names allowed."""
    if len(choices) == 1:
        rng.random()  # `choices` draws once too, so later values do not depend on the number of choices
        return choices[0][0]
    return rng.choices([name for name, _ in choices], [weight for _, weight in choices])[0]


def _provenance(face: Face, options: LineOptions, line: RenderedLine) -> dict[str, str | int | float]:
    background: str = options.background
    if line.background_picture is not None:
        background = f"{background}:{line.background_picture}"
    return {
        "font": face.name,
        "background": background,
        "skew_deg": line.skew_deg,
        "blur_px": float(np.float32(line.blur)),  # as both formats store it
    }
