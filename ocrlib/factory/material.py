"""Broken fonts and pictures of paper are named, file by file, before the first line is drawn."""

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from ocrlib.errors import UserError
from ocrlib.factory.render.backgrounds import files_in, why_unusable
from ocrlib.factory.render.fonts import UNOPENED
from ocrlib.factory.render.renderer import background_folder
from ocrlib.factory.settings.render import Render

_MOST_NAMED = 10


def name_broken(render: Render, fonts_left_out: Mapping[str, str]) -> None:
    """Prints which fonts do not open and which pictures of paper cannot be used, and goes on without them.

    Args:
      fonts_left_out: {file name: why}, as `fonts.load_faces` returns.

    Raises:
      UserError: no picture of paper is left.
    """
    unopened = {name: why for name, why in fonts_left_out.items() if why.startswith(UNOPENED)}
    _name("fonts", unopened, None)
    if render.background_images is not None:
        folder = background_folder(render)
        names = files_in(str(folder))
        broken = broken_pictures(folder, names)
        if set(names) <= set(broken):
            some = "; ".join(f"{name}: {why}" for name, why in list(broken.items())[:3])
            raise UserError(f"[render] background_images '{folder}': none of its {len(names)} files is usable ({some})")
        _name(f"background_images '{folder}'", broken, len({*names, *broken}))


def broken_pictures(folder: Path, names: list[str]) -> dict[str, str]:
    """Returns {name: why} of the files that are no usable picture, and of folders, whose pictures are not drawn."""
    with ThreadPoolExecutor() as pool:  # Pillow decodes beside Python
        reasons = pool.map(why_unusable, [str(folder / name) for name in names])
        broken = {name: why for name, why in zip(names, reasons, strict=True) if why is not None}
    inside = sorted(path.name for path in folder.iterdir() if path.is_dir())
    return broken | dict.fromkeys(inside, "is a folder; only files beside each other are drawn")


def _name(what: str, broken: Mapping[str, str], of: int | None) -> None:
    if not broken:
        return
    counted = f"{len(broken)}" if of is None else f"{len(broken)} of {of}"
    tqdm.write(f"[render] {what}: left out {counted}", sys.stderr)
    for name, why in list(broken.items())[:_MOST_NAMED]:
        tqdm.write(f"  {name}: {why}", sys.stderr)
    if len(broken) > _MOST_NAMED:
        tqdm.write(f"  and {len(broken) - _MOST_NAMED} more", sys.stderr)
