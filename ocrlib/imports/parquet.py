"""Layout `parquet`: a column with pictures, bytes or Hugging Face's struct of bytes and path, and one with texts."""

from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
from PIL import Image

from ocrlib.errors import UserError
from ocrlib.imports.line import Asked, Layout, Line, Reader, found_below, some, split_in
from ocrlib.imports.lists import PICTURE_COLUMNS, TEXT_COLUMNS
from ocrlib.pictures.opening import open_picture
from ocrlib.pictures.pairs import Unusable

_ROWS_AT_ONCE = 1000
MAX_GROUP_BYTES = 1 << 30  # of a column in a row group; datasets writes groups of some 100 pictures


def _open(path: Path) -> Any:
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"{path}: cannot be read as parquet: {error}") from None


def _columns(path: Path, schema: Any, asked: Asked) -> tuple[str, str]:
    """Returns the names of the columns with the picture and with the text."""
    wanted: list[tuple[str, ...]] = [(name,) for name in asked.columns] or [("image", *PICTURE_COLUMNS), TEXT_COLUMNS]
    found = [next((name for name in names if name in schema.names), None) for names in wanted]
    if len(found) != 2 or found[0] is None or found[1] is None:
        raise UserError(
            f"{path}: expected a column with pictures and one with texts, such as image and text; it has "
            f"{', '.join(schema.names)}; name them by --columns PICTURE TEXT"
        )
    return found[0], found[1]


def _is_of_hub(path: Path, kind: Any) -> bool:
    """Whether pictures are Hugging Face's structs of bytes and path, and not plain bytes.

    Raises:
      UserError: they are neither.
    """
    if pyarrow.types.is_struct(kind) and {"bytes", "path"} <= {kind.field(i).name for i in range(kind.num_fields)}:
        return True
    if pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):
        return False
    raise UserError(f"{path}: expected pictures as bytes, or as a struct of bytes and path; found {str(kind)[:200]}")


def _list_lines(source: Path, asked: Asked) -> Iterator[Line | Unusable]:
    for path in some(found_below(source, "*.parquet"), source, "parquet files"):
        below = path.name if source.is_file() else path.relative_to(source).as_posix()
        with _open(path) as file:
            picture, text = _columns(path, file.schema_arrow, asked)
            has_path = _is_of_hub(path, file.schema_arrow.field(picture).type)
            names = [text, f"{picture}.path"] if has_path else [text]
            _check_sizes(path, file, text)
            for number, row in enumerate(_rows(path, file, names)):
                place = f"{below}#{number}"
                path_in = (row[picture] or {}).get("path") if has_path else None
                path_in = path_in if isinstance(path_in, str) else None
                if not isinstance(row[text], str):
                    yield Unusable(name=place, reason="no text")
                    continue
                name, page = (f"{below}/{path_in}", None) if path_in else (place, below)
                split = split_in(path.name)
                yield Line(name=name, place=place, text=row[text].strip(), file=path, page=page, split=split)


def _check_sizes(path: Path, file: Any, column: str) -> None:
    """Refuses row groups of which a column would fill the memory: they are read whole."""
    for index in range(file.num_row_groups):
        group = file.metadata.row_group(index)
        for number in range(group.num_columns):
            found = group.column(number)
            name = found.path_in_schema.partition(".")[0]
            if name == column and found.total_uncompressed_size > MAX_GROUP_BYTES:
                raise UserError(
                    f"{path}: its column {name!r} has {found.total_uncompressed_size / 1e9:.1f} GB in one row group; "
                    f"expected at most {MAX_GROUP_BYTES / 1e9:.1f}: write it with smaller row groups"
                )


def _rows(path: Path, file: Any, names: list[str]) -> Iterator[dict[str, Any]]:
    try:
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=names):
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:  # ValueError: a text that is not UTF-8
        raise UserError(f"{path}: cannot be read as parquet: {error}") from None


def _open_reader(source: Path, asked: Asked) -> Reader:
    root = source.parent if source.is_file() else source

    @lru_cache(maxsize=4)
    def opened(below: str) -> tuple[Any, str]:
        file = _open(root / below)
        return file, _columns(root / below, file.schema_arrow, asked)[0]

    @lru_cache(maxsize=1)  # rows are asked for in order
    def group(below: str, index: int) -> Any:
        file, picture = opened(below)
        _check_sizes(root / below, file, picture)
        try:
            return file.read_row_group(index, columns=[picture]).column(0)
        except (pyarrow.ArrowException, OSError) as error:
            raise UserError(f"{root / below}: cannot be read as parquet: {error}") from None

    def read(place: str) -> Image.Image:
        below, _, row = place.rpartition("#")
        file, at = opened(below)[0], int(row)
        for index in range(file.num_row_groups):
            rows = file.metadata.row_group(index).num_rows
            if at < rows:
                break
            at -= rows
        value = group(below, index)[at].as_py()
        data = value["bytes"] if isinstance(value, dict) else value
        return open_picture(BytesIO(data if isinstance(data, bytes) else b""), place)

    return read


PARQUET = Layout(
    about="parquet, as Hugging Face datasets writes it",
    is_there=lambda source: source.suffix == ".parquet" or (source.is_dir() and any(source.rglob("*.parquet"))),
    list_lines=_list_lines,
    open_reader=_open_reader,
)
