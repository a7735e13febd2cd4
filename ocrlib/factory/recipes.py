"""The recipes that come with ocrlib: what a user calls a recipe becomes a file."""

from pathlib import Path

import ocrlib
from ocrlib.errors import UserError

ENDING = ".toml"


def shipped_recipes() -> dict[str, Path]:
    """Returns {name: file} of the recipes that come along, sorted: in a checkout those in `datasets/`."""
    package = Path(ocrlib.__file__).parent
    installed, checkout = package / "recipes", package.parent / "datasets"
    folder = installed if installed.is_dir() else checkout
    return {path.stem: path for path in sorted(folder.glob(f"*{ENDING}"))}


def find_recipe(recipe: str) -> tuple[Path, Path]:
    """Returns the file of a recipe, and the folder that its dataset goes into: the file's own.

    For a recipe that comes along, that is `datasets` below the working directory.

    Args:
      recipe: a path, which wins, or the name of a recipe that comes along.

    Raises:
      UserError: there is no such file or name.
    """
    path = Path(recipe)
    if path.is_file():
        return path, path.parent
    shipped = shipped_recipes()
    if recipe in shipped:
        return shipped[recipe], Path("datasets")
    raise UserError(f"{recipe}: no such file, and no recipe of that name comes along ({', '.join(shipped)})")


def first_line(path: Path) -> str:
    """Returns what a recipe says of itself: the first sentence of the comment that it begins with."""
    comment = path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
    return comment.partition(". ")[0].rstrip(".")
