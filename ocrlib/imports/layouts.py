"""Which layouts there are, and which one a source has."""

from pathlib import Path

from ocrlib.dataset.manifest import FILE_NAME
from ocrlib.errors import UserError
from ocrlib.imports.folder import PAIRS
from ocrlib.imports.line import Layout
from ocrlib.imports.lists import CSV, DOCTR, PADDLE
from ocrlib.imports.lmdb_base import LMDB
from ocrlib.imports.pages import ALTO, PAGE
from ocrlib.imports.parquet import PARQUET
from ocrlib.imports.tars import WEBDATASET

LAYOUTS: dict[str, Layout] = {
    "pairs": PAIRS,
    "paddle": PADDLE,
    "csv": CSV,
    "doctr": DOCTR,
    "lmdb": LMDB,
    "alto": ALTO,
    "page": PAGE,
    "parquet": PARQUET,
    "webdataset": WEBDATASET,
}


def find_layout(source: Path, asked: str | None) -> str:
    """Returns the layout of a source: the one asked for, or the only one that it looks like.

    Raises:
      UserError: the source is not there, is a dataset already, or looks like none or like several.
    """
    if not source.exists():
        raise UserError(f"{source}: no such file or folder")
    if (source / FILE_NAME).exists():
        raise UserError(f"{source}: is a dataset already; train on it as it is, or mix it in by --data.mix")
    if asked is not None:
        return asked
    found = [name for name, layout in LAYOUTS.items() if layout.is_there(source)]
    if len(found) == 1:
        return found[0]
    known = "; ".join(f"{name}: {layout.about}" for name, layout in LAYOUTS.items() if not found or name in found)
    if found:
        raise UserError(f"{source}: looks like {' and '.join(found)}; say which by --layout ({known})")
    raise UserError(f"{source}: holds no labelled lines of a layout that is known here ({known})")
