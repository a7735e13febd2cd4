"""From a corpus to a sentence file: built once, and found again in the cache by a hash of its inputs."""

import contextlib
import hashlib
import json
import shutil
import sqlite3
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ocrlib.cache import cache_folder
from ocrlib.errors import UserError
from ocrlib.factory.settings.text import LineText, WikipediaText, WordsText
from ocrlib.factory.text.corpus import Corpus, SentenceConfig, find_corpus
from ocrlib.factory.text.outside import MOST_CHARACTERS, shown_characters
from ocrlib.factory.text.sentence_file import SentenceFile, SentenceSorter, write_sentences
from ocrlib.files import sync_folder

_RULES = 3  # raise it when the code of this folder makes other lines from the same corpus
_MOST_NAMED = 6  # files of a folder in one line
_STALE_S = 7 * 86400  # a killed build leaves its folder; no build takes a week


def open_sentences(config: SentenceConfig) -> SentenceFile:
    """Returns the sentence file of a `[text]` table, building it if it is not in the cache.

    Several processes may call this at once: each builds in a folder of its own, and the first one that finishes is
    kept.

    Raises:
      UserError: the corpus cannot be read, or no line is left after the filters.
    """
    corpus = find_corpus(config)
    filters = _filters(config)
    identity = {"source": [corpus.kind, corpus.identity], "filters": filters, "versions": _versions()}
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]
    folder = cache_folder() / "sentences" / key
    if not (folder / "sentences.json").exists():
        try:
            _build(config, corpus, folder, {"filters": filters, "versions": _versions()})
        except (OSError, sqlite3.OperationalError) as error:
            raise UserError(
                f"{folder}: cannot be written ({error}); free the disk, or set OCRLIB_CACHE to another folder"
            ) from None
    return SentenceFile(folder)


def _build(config: SentenceConfig, corpus: Corpus, folder: Path, about: dict[str, Any]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder.parent)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=folder.parent))
    try:
        sorter = SentenceSorter(building / "lines.sqlite", near_duplicates=not isinstance(config, WikipediaText))
        with contextlib.closing(sorter):
            counts = _collect(config, corpus, sorter)
            about = {
                "source": corpus.name,
                "source_sha256": _source_hash(corpus),
                "licence": corpus.licence,
                "attribution": corpus.attribution,
                "files": [file.name for file in corpus.files],
                "left_out": [file.name for file in corpus.left_out],
                **about,
                "counts": counts,
            }
            with contextlib.closing(sorter.sorted()) as lines:
                write_sentences(building, lines, about)
        (building / "lines.sqlite").unlink()
        building.chmod(0o755)
        # The rename fails if another process was first; its folder has the same content.
        with contextlib.suppress(OSError):
            building.rename(folder)
        if not (folder / "sentences.json").exists():
            raise OSError(f"cannot rename {building.name} to {folder.name}")
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _collect(config: SentenceConfig, corpus: Corpus, sorter: SentenceSorter) -> dict[str, Any]:
    """Fills the sorter, up to max_sentences; returns what was read, kept and rejected."""
    from ocrlib.factory.text.prose import LineFilter  # imports sentencex, which workers never need

    lines = LineFilter(_line_text(config))
    limit = config.max_sentences if isinstance(config, WikipediaText) else 0
    read: Counter[str] = Counter()
    kept = 0
    if len(corpus.files) > 1 or corpus.left_out:
        tqdm.write(
            f"{corpus.name}: {_named('reads', corpus.files)}{_named('; leaves out', corpus.left_out)}", sys.stderr
        )
    bar = tqdm(total=limit or None, desc=corpus.name, unit=" sentences", disable=None, delay=1, smoothing=0.05)
    texts = corpus.read(read)
    with bar, contextlib.closing(texts):
        for text, is_line in texts:
            for line in lines.sentence(text) if is_line else lines.paragraph(text):
                if reason := sorter.add(line):
                    lines.rejected[reason] += 1
                    continue
                kept += 1
                bar.update()
                if kept == limit:
                    break
            if limit and kept == limit:
                break
    counts = {"read": dict(read), "sentences": lines.num_sentences, "kept": kept}
    counts |= {"rejected": dict(lines.rejected.most_common()), "folded": lines.folded}
    counts |= {"lines": lines.num_lines, "outside": dict(lines.outside.most_common(MOST_CHARACTERS))}
    if not kept:
        raise UserError(_nothing_left(corpus, counts))
    return counts


def _named(what: str, files: Sequence[Path]) -> str:
    """`reads 12 files (a.txt, b.txt, ...)`, or nothing where there are none."""
    if not files:
        return ""
    names = ", ".join(file.name for file in files[:_MOST_NAMED]) + (", ..." if len(files) > _MOST_NAMED else "")
    return f"{what} {len(files)} file{'s' * (len(files) > 1)} ({names})"


def _nothing_left(corpus: Corpus, counts: dict[str, Any]) -> str:
    took = ", ".join(f"{reason} took {number:,}" for reason, number in counts["rejected"].items())
    if took:
        lacking = shown_characters(counts["outside"])
        took += f" (characters outside: {lacking})" if lacking else ""
        return (
            f"{corpus.name}: nothing is left of {counts['sentences']:,} sentences after the filters: {took}; "
            "change text.min_length, text.max_length, text.charset or text.outside"
        )
    read = ", ".join(f"{number:,} {what}" for what, number in counts["read"].items()) or "nothing"
    return f"{corpus.name}: holds no sentence (read: {read}); name another text.corpus"


def _line_text(config: SentenceConfig) -> LineText:
    if isinstance(config, WordsText):  # words may be shorter than the lines made of them
        return LineText(charset=config.charset, max_length=config.max_length)
    return config


def _filters(config: SentenceConfig) -> dict[str, Any]:
    """Returns the keys of a `[text]` table that decide the content of its sentence file."""
    line = _line_text(config)
    filters: dict[str, Any] = {
        "charset": "".join(sorted(line.charset)),
        "min_length": line.min_length,
        "max_length": line.max_length,
        "outside": line.outside,
        "near_duplicates": "keep",
    }
    if isinstance(config, WikipediaText):
        filters |= {
            "near_duplicates": "drop",
            "language": config.language,
            "long_sentences": config.long_sentences,
            "max_sentences": config.max_sentences,
            "damaged": config.damaged,
        }
    return filters


def _versions() -> dict[str, str]:
    return {
        "rules": str(_RULES),
        "sentencex": version("sentencex"),
        "mwparserfromhell": version("mwparserfromhell"),
        "unicode": unicodedata.unidata_version,
    }


def _source_hash(corpus: Corpus) -> str:
    if corpus.kind != "live":
        return corpus.identity
    with open(corpus.files[0], "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sweep(folder: Path) -> None:
    for left in folder.glob(".building-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                shutil.rmtree(left, ignore_errors=True)
