"""Where the things are kept that can be had again: built corpora, lines drawn for replay, copies of stored datasets."""

import os
from pathlib import Path

from ocrlib.errors import UserError


def cache_folder() -> Path:
    """Returns the folder of the cache: $OCRLIB_CACHE, or `datasets/.cache` in the working directory.

    Raises:
      UserError: the folder that OCRLIB_CACHE names cannot be made.
    """
    if not (named := os.environ.get("OCRLIB_CACHE")):
        return Path("datasets/.cache")
    try:
        Path(named).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"OCRLIB_CACHE={named}: expected a folder that can be written: {error.strerror}") from None
    return Path(named)
