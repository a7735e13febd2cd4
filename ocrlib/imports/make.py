"""Sources in, dataset folder out: list the lines, prepare their images, share them out to splits, write the shards.

    out/.work/lines.sqlite      the list of all lines: ledger.py
    out/.work/pixels-*          their images, as workers prepared them
    out/.work/KEY.json, ...     finished shards, as in the factory: factory/work_folder.py
    out/rejected.tsv            what could not be used, and why
    out/manifest.json           written last; then .work is deleted

A run that stops anywhere leaves `.work`, and the same command goes on from there.
"""

import platform
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ocrlib import __version__, config
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import FORMAT, WORK_DIR, ImageShape, Manifest, ShardEntry, SplitEntry, read_manifest
from ocrlib.dataset.plan import Shard, plan_shards
from ocrlib.errors import UserError
from ocrlib.factory import work_folder, workers
from ocrlib.factory.lock import lock_folder
from ocrlib.files import open_whole
from ocrlib.imports import before, ledger, prepare, shards, splits
from ocrlib.imports.layouts import LAYOUTS
from ocrlib.imports.line import Line
from ocrlib.imports.settings import Import, ImportSource, fingerprint
from ocrlib.pictures.opening import printable
from ocrlib.pictures.pairs import Unusable
from ocrlib.pictures.truths import label_of

REJECTED_NAME = "rejected.tsv"
SPLITS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import came to.

    Attributes:
      manifest: of the dataset.
      new: lines that were not in it before; all of them, if there was no dataset.
      worked: whether anything was written.
    """

    manifest: Manifest
    new: int
    worked: bool


def import_dataset(
    sources: Sequence[ImportSource], out: Path, given: Mapping[str, str], num_workers: int, *, strict: bool = False
) -> Imported:
    """Imports the lines of sources into `out`, with a progress bar on standard error.

    Args:
      sources: where the lines are.
      out: a new folder, one of a stopped import, or a dataset that was imported and may grow.
      given: {"section.key": text} of `settings.Import`, as far as the user set them; where shares are among them,
        splits that the sources may have do not count.
      num_workers: processes.
      strict: stop at what cannot be used.

    Raises:
      UserError: there is nothing to import, `out` holds something else, or cannot be written.
      WorkerError: a worker failed; what is done stays, and the same call goes on.
    """
    asked = before.plan_import(sources, out, given)
    explicit = any(name in given for name in ("splits.val", "splits.test"))
    with lock_folder(out), _disk_errors(out):
        work = out / WORK_DIR
        ledger.begin(work / ledger.FILE_NAME, asked.sources, _listed(asked))
        with ledger.opened(work / ledger.FILE_NAME) as base:
            before.remember(base, out)
            _prepare_all(base, asked, out, num_workers)
            _refuse_copies(base, asked)
            ledger.check_before(base, out)
            _check_some(base, asked, strict)
            asked = replace(asked, splits=splits.arrange(base, asked.splits, explicit))
            base.execute("CREATE INDEX IF NOT EXISTS lines_place ON lines (split, idx)")
            return _write(base, _with_sums(base, asked), out, num_workers)


def _with_sums(base: sqlite3.Connection, asked: Import) -> Import:
    sums = [ledger.sum_of_source(base, number) for number in range(len(asked.sources))]
    sources = [replace(s, lines=n, sha256=h) for s, (n, h) in zip(asked.sources, sums, strict=True)]
    return replace(asked, sources=tuple(sources))


@contextmanager
def _disk_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(f"{out}: cannot be written: {reason}; what is done stays, the same command resumes") from error


def _listed(asked: Import) -> Iterator[tuple[int, Line | Unusable, str, str | None, str]]:
    """Yields what the sources list, in order, with the label of each line or why it has none."""
    charset = Charset(asked.text.charset) if asked.text.charset else None
    with tqdm(unit="line", desc="list") as bar:
        for number, source in enumerate(asked.sources):
            layout = LAYOUTS[source.layout]
            for found in layout.list_lines(Path(source.path), asked.asked_of(source)):
                bar.update()
                if isinstance(found, Unusable):
                    yield number, found, "", None, ""
                    continue
                label, reason, detail = label_of(found.text, charset)
                page = splits.page_of(found.name) if found.page is None else found.page
                yield number, replace(found, page=page), label, reason or None, detail


def _prepare_all(base: sqlite3.Connection, asked: Import, out: Path, num_workers: int) -> None:
    """Prepares the images that are not there yet; workers read the ledger, and this process alone writes it."""
    last, open_rows = base.execute("SELECT MAX(row), SUM(reason IS NULL AND width IS NULL) FROM lines").fetchone()
    if not open_rows:
        return
    runs = [int(path.name.split("-")[1]) for path in (out / WORK_DIR).glob("pixels-*-*")]
    run = 1 + max(runs, default=0)
    chunks = [
        prepare.Chunk(run=run, start=start, stop=start + prepare.ROWS) for start in range(0, last + 1, prepare.ROWS)
    ]
    with tqdm(total=open_rows, unit="img", desc="prepare", smoothing=0.1) as bar:
        for _, (prepared, further) in _run(chunks, num_workers, prepare.start_worker, (asked, str(out)), bar):
            ledger.record(base, prepared, further)


def _run(
    tasks: Sequence[Any], num_workers: int, start: Callable[..., workers.Work], start_args: tuple[Any, ...], bar: tqdm
) -> Iterator[tuple[Any, Any]]:
    """Yields (task, result), as `workers.run_tasks` does."""
    if len(tasks) == 1:  # a few hundred lines are done sooner than a new process is up
        yield tasks[0], start(*start_args)(tasks[0], bar.update)
        return
    yield from workers.run_tasks(
        tasks, num_workers=num_workers, start=start, start_args=start_args, on_progress=bar.update
    )


def _refuse_copies(base: sqlite3.Connection, asked: Import) -> None:
    """Refuses every picture but the first of those that are the same to the last pixel."""
    if asked.render.duplicates == "keep":
        return
    with base:
        base.execute("CREATE INDEX IF NOT EXISTS lines_digest ON lines (digest)")
        base.execute(
            "UPDATE lines SET reason = 'the same picture twice', detail = 'as ' || same.name FROM ("
            "  SELECT row, FIRST_VALUE(lines.name) OVER (PARTITION BY lines.digest ORDER BY before.idx IS NULL, row) "
            "  AS name FROM lines LEFT JOIN before ON before.name = lines.name WHERE reason IS NULL"
            ") AS same WHERE same.row = lines.row AND same.name <> lines.name"
        )


def _check_some(base: sqlite3.Connection, asked: Import, strict: bool) -> None:
    """Refuses to go on with nothing, or if the user wants so with less than all."""
    usable, refused = base.execute(
        "SELECT COALESCE(SUM(reason IS NULL), 0), "
        "COALESCE(SUM(reason IS NOT NULL), 0) + (SELECT COUNT(*) FROM unusable) FROM lines"
    ).fetchone()
    first = ledger.first_problem(base)
    where = ", ".join(source.path for source in asked.sources)
    if strict and refused:
        raise UserError(f"{where}: --strict, and {refused} cannot be used: {first}")
    if not usable:
        raise UserError(f"{where}: holds no line that can be used" + (f": {first}; {refused} in all" if first else ""))


def _write(base: sqlite3.Connection, asked: Import, out: Path, num_workers: int) -> Imported:
    """Writes the shards that are missing, and the manifest."""
    (new,) = base.execute(
        "SELECT COUNT(*) FROM lines LEFT JOIN before ON before.name = lines.name "
        "WHERE lines.idx IS NOT NULL AND before.name IS NULL"
    ).fetchone()
    wanted = fingerprint(asked)
    if before.is_whole(out, wanted, asked.output.formats):
        shutil.rmtree(out / WORK_DIR)
        return Imported(manifest=read_manifest(out), new=0, worked=False)
    counts = dict(base.execute("SELECT split, COUNT(*) FROM lines WHERE idx IS NOT NULL GROUP BY split"))
    plan = plan_shards({split: counts.get(split, 0) for split in SPLITS}, asked.output.shard_samples)
    before.forget_others(out, wanted)
    work_folder.begin(out, wanted)
    done = {shard: entry for shard in plan if (entry := work_folder.read_note(out, shard, asked.output.formats))}
    todo = [shard for shard in plan if shard not in done]
    total = sum(shard.num_samples for shard in plan)
    with tqdm(total=total, initial=total - sum(s.num_samples for s in todo), unit="img", desc=asked.name) as bar:
        done.update(_run(todo, num_workers, shards.start_worker, (asked, str(out)), bar))
    return Imported(manifest=_commit(base, asked, wanted, out, plan, done), new=new, worked=True)


def _commit(
    base: sqlite3.Connection,
    asked: Import,
    wanted: str,
    out: Path,
    plan: list[Shard],
    done: dict[Shard, ShardEntry],
) -> Manifest:
    """Gives every file its final name, and writes what could not be used, and the manifest."""
    named = {shard: work_folder.give_names(out, shard, done[shard]) for shard in plan}
    entries = {split: tuple(named[shard] for shard in plan if shard.split == split) for split in SPLITS}
    labels = base.execute("SELECT label FROM lines WHERE idx IS NOT NULL")
    found: set[str] = set()
    for (label,) in labels:
        found.update(label)
    manifest = Manifest(
        format=FORMAT,
        name=asked.name,
        fingerprint=wanted,
        recipe=config.to_dict(asked),
        charset=asked.text.charset or "".join(sorted(found)),
        image=ImageShape(height=asked.render.height, channels=asked.render.channels, encoding=asked.output.encoding),
        splits={
            split: SplitEntry(samples=sum(entry.samples for entry in some), shards=some)
            for split, some in entries.items()
        },
        rejected=_write_rejected(base, out),
        fonts={},
        environment={"python": platform.python_version(), "ocrlib": __version__}
        | {package: version(package) for package in ("pillow", "numpy", "h5py")},
    )
    work_folder.commit(out, manifest)
    return manifest


def _write_rejected(base: sqlite3.Connection, out: Path) -> dict[str, int]:
    """Writes `rejected.tsv`, and returns its counts by reason."""
    counts: Counter[str] = Counter()
    with open_whole(out / REJECTED_NAME, "w", encoding="utf-8") as file:
        file.write("name\treason\tdetail\n")
        for what in ledger.refused(base):
            counts[what.reason] += 1
            file.write(f"{printable(what.name)}\t{what.reason}\t{printable(what.detail)}\n")
    return dict(sorted(counts.items()))
