"""Reads corpora of plain text, .txt, .jsonl and .parquet, without holding a whole file in memory."""

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from ocrlib.errors import UserError
from ocrlib.factory.text.corpus_files import DamagedFile, open_bytes

_LEIPZIG = re.compile(r"\d+\t")  # the Leipzig corpora number their sentences: id<TAB>sentence
MAX_LINE_BYTES = 16 << 20  # an article of Wikipedia as JSON has 2 MB at most
_BATCH_ROWS = 64  # Wikipedia articles read at a time; the longest have about 500 kB
_BROKEN = (EOFError, OSError, zlib.error)  # errors for a cut or damaged .gz or .bz2


def read_lines(path: Path) -> Iterator[str]:
    """Yields the lines of a UTF-8 text file, compressed or not, without their line ends.

    Raises:
      UserError: a line is not UTF-8.
      DamagedFile: the compressed file is cut or damaged.
    """
    number = 0
    try:
        with open_bytes(path) as file:
            for number in count(1):
                line = file.readline(MAX_LINE_BYTES + 1)
                if not line:
                    return
                if len(line) > MAX_LINE_BYTES:
                    raise UserError(f"{path}: line {number} has more than {MAX_LINE_BYTES} bytes; is it a text file?")
                yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        byte, name = error.object[error.start], likely_encoding(error.object)
        raise UserError(
            f"{path}: line {number} is not UTF-8 (byte 0x{byte:02x}); it may be {name}: iconv -f {name} -t UTF-8"
        ) from None
    except _BROKEN as error:
        raise DamagedFile(f"is cut or damaged after line {max(number - 1, 0)} ({error})") from None


def likely_encoding(line: bytes) -> str:
    """Returns the 8-bit encoding that a line is likely in: the one in which most bytes beyond ASCII are small letters.

    LATIN1 or CP1252 for western Europe, CP1250 for central Europe; CP1251, Cyrillic, where few letters are ASCII.
    """
    if sum(byte >= 0xC0 for byte in line) > sum(byte < 0x80 and chr(byte).isalpha() for byte in line):
        return "CP1251"

    def letters(name: str) -> int:
        beyond = [c for c in line.decode(name, "replace") if not c.isascii()]
        return sum(c.islower() for c in beyond) - sum(not c.isalpha() for c in beyond)

    return max(("LATIN1", "CP1252", "CP1250"), key=letters)  # the first of equals


def read_txt(path: Path, counts: Counter[str]) -> Iterator[str]:
    """Yields the sentences of a file with one per line, also in the Leipzig corpora's form `id<TAB>sentence`."""
    for line in read_lines(path):
        counts["lines"] += 1
        yield _LEIPZIG.sub("", line, count=1) if _LEIPZIG.match(line) else line


def read_jsonl(path: Path, counts: Counter[str]) -> Iterator[str]:
    """Yields the `text` field of each line's object (wikiextractor --json, CirrusSearch).

    Raises:
      UserError: no object in the file has a text.
      DamagedFile: a line is not JSON, or the compressed file is cut.
    """
    number = num_texts = 0
    fields: set[str] = set()
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:  # no JSON, thousands of digits or of brackets
            raise DamagedFile(f"line {number} is not JSON ({error})") from None
        if not isinstance(record, dict):
            raise DamagedFile(f"line {number} is no JSON object")
        text = record.get("text")
        # CirrusSearch puts a line {"index": ...} before each document; a redirect has no text.
        if isinstance(text, str):
            num_texts += 1
            counts["documents"] += 1
            yield text
        elif len(fields) < 20:
            fields.update(record)
    if not num_texts:
        raise UserError(f"{path}: no line has a field 'text'; found {', '.join(sorted(fields)) or 'nothing'}")


def read_parquet(path: Path, counts: Counter[str]) -> Iterator[str]:
    """Yields the `text` column of a parquet file (the shape of the wikimedia/wikipedia files).

    Raises:
      UserError: it has no such column of strings.
      DamagedFile: it is not a parquet file, or it is cut.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Not memory-mapped: mapped pages count as memory of the process.
        with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
            schema = file.schema_arrow
            if "text" not in schema.names:
                raise UserError(f"{path}: has no column 'text'; found {', '.join(schema.names)}")
            if not _is_string(schema.field("text").type):
                raise UserError(f"{path}: column 'text' must hold strings, not {schema.field('text').type}")
            for batch in file.iter_batches(_BATCH_ROWS, columns=["text"], use_threads=False):
                for text in batch.column(0):
                    if text.is_valid:
                        counts["documents"] += 1
                        yield text.as_py()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DamagedFile(f"is cut or damaged, or no parquet file ({str(error).splitlines()[0]})") from None


def _is_string(kind: object) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type  # type: ignore[attr-defined]
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
