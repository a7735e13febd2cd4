"""Prepared images to shards, in worker processes."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np

from ocrlib.dataset.manifest import WORK_DIR, ShardEntry
from ocrlib.dataset.plan import Shard
from ocrlib.dataset.sample import Sample, sample_id
from ocrlib.dataset.shards import write_shard
from ocrlib.errors import UserError
from ocrlib.factory import work_folder, workers
from ocrlib.imports import ledger
from ocrlib.imports.settings import Import


def start_worker(asked: Import, out: str) -> workers.Work:
    """Returns what writes a shard."""
    return lambda shard, report: _write(shard, asked, Path(out), report)


def _write(shard: Shard, asked: Import, out: Path, report: workers.Report) -> ShardEntry:
    try:
        entry = write_shard(
            out,
            shard.stem,
            list(_samples(shard, asked, out / WORK_DIR)),
            formats=asked.output.formats,
            encoding=asked.output.encoding,
            rejected={},
        )
        work_folder.write_note(out, shard, entry)
    except OSError as error:
        raise UserError(
            f"{out / shard.stem}: cannot be written: {error.strerror}; mend that and run the same command again, "
            "finished shards are kept"
        ) from None
    report(shard.num_samples)
    return entry


def _samples(shard: Shard, asked: Import, work: Path) -> Iterator[Sample]:
    height, channels = asked.render.height, asked.render.channels
    with ledger.opened(work / ledger.FILE_NAME) as base:
        rows = base.execute(
            "SELECT idx, name, label, width, digest, pixels, offset FROM lines "
            "WHERE split = ? AND idx >= ? AND idx < ? ORDER BY idx",
            (shard.split, shard.start, shard.stop),
        ).fetchall()
    assert len(rows) == shard.num_samples
    # A file has the images of hundreds of lines: it is opened once for those that follow each other. It is not mapped,
    # because the pages around what is read would count as memory of this process.
    for pixels, of_file in groupby(rows, key=lambda row: row[5]):
        with open(work / pixels, "rb", buffering=0) as file:
            for index, name, label, width, digest, _, offset in of_file:
                file.seek(offset)  # not os.pread, which Windows lacks
                stored = np.frombuffer(file.read(height * width * channels), np.uint8)
                shape = (height, width) if channels == 1 else (height, width, channels)
                yield sample_of(sample_id(shard.split, index), name, label, stored.reshape(shape), digest)


def sample_of(identity: str, name: str, label: str, image: np.ndarray, digest: int) -> Sample:
    """Returns an imported line as a sample: where it is from is its source, its image's hash takes the seed's place.

    It was not drawn, so it has no font and no degradation.
    """
    return Sample(
        id=identity,
        text=label,
        image=image,
        provenance={
            "font": "",
            "background": "",
            "skew_deg": 0,
            "blur_px": 0.0,
            "degradation": "",
            "source": name,
            "seed": digest,
            "attempt": 0,
        },
    )
