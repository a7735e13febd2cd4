"""A dataset of somebody else's brings its recipe along; what that names outside the dataset is opened only when asked.

A recipe can name any file, folder or address: text sources are copied into the cache, and an address is contacted.
A user has read a recipe of their own before running it, but not the recipe inside a dataset from somebody else.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ocrlib.errors import UserError
from ocrlib.factory.recipe import Recipe
from ocrlib.factory.render.font_sets import KNOWN_SETS
from ocrlib.factory.settings.text import FileText, MixText, WikipediaText


def sources_of(recipe: Recipe) -> Iterator[str]:
    """Yields what a recipe names besides what comes with ocrlib or with the system: files, folders and addresses."""
    for text in [part.text for part in recipe.text.parts] if isinstance(recipe.text, MixText) else [recipe.text]:
        if isinstance(text, FileText):
            yield text.path
        if isinstance(text, WikipediaText) and text.corpus != "embedded":
            yield text.corpus
    yield from (fonts.source for fonts in recipe.render.fonts if fonts.source not in KNOWN_SETS)
    if recipe.render.background_images is not None:
        yield recipe.render.background_images


def refuse_untrusted(folder: Path, sources: Iterable[str]) -> None:
    """Refuses sources that do not lie in the dataset's own folder.

    Raises:
      UserError: names them, and how to say that they may be opened.
    """
    inside = folder.resolve()
    # resolve: a link in the folder may lead out of it. An address is no path in the folder either.
    outside = [source for source in sources if not Path(source).resolve().is_relative_to(inside)]
    if outside:
        named = ", ".join(ascii(source) for source in outside[:5]) + (", ..." if len(outside) > 5 else "")
        raise UserError(
            f"{folder}: its recipe opens {named}; add --trust if you made the dataset yourself, or trust its maker"
        )
