"""Small datasets of drawn lines, written without the factory, and one trained reader: what tests of training need."""

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from ocrlib.dataset.manifest import FORMAT, FileFormat, ImageShape, Manifest, ShardEntry, SplitEntry, write_manifest
from ocrlib.dataset.plan import plan_shards
from ocrlib.dataset.sample import PROVENANCE, Sample, sample_id
from ocrlib.dataset.shards import write_shard

DIGITS = "0123456789"


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size_px)


def draw_line(text: str, height: int = 32, channels: int = 1) -> np.ndarray:
    """A drawn text: (height, W) uint8, or (height, W, 3) with red ink."""
    font = _font(height * 3 // 4)
    width = int(font.getlength(text)) + 8
    picture = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(picture).text((4, height // 16), text, font=font, fill="black" if channels == 1 else "#A00000")
    return np.asarray(picture.convert("L") if channels == 1 else picture)


def numbers(count: int, seed: int = 0, longest: int = 8) -> list[str]:
    """Strings of 1 to `longest` digits."""
    rng = random.Random(seed)
    return ["".join(rng.choices(DIGITS, k=rng.randint(1, longest))) for _ in range(count)]


def make_samples(split: str, texts: Sequence[str], height: int = 32, channels: int = 1) -> list[Sample]:
    """A drawn sample for each text."""
    return [
        Sample(
            id=sample_id(split, index),
            text=text,
            image=draw_line(text, height, channels),
            provenance={name: kind() for name, kind in PROVENANCE.items()},
        )
        for index, text in enumerate(texts)
    ]


def write_dataset(
    folder: Path,
    splits: Mapping[str, Sequence[str] | list[Sample]],
    *,
    charset: str = DIGITS,
    height: int = 32,
    channels: int = 1,
    encoding: str = "raw",
    shard_samples: int = 25,
    formats: Sequence[FileFormat] = ("tfrecord", "hdf5"),
) -> Path:
    """Writes a dataset of the given texts, or of ready samples, and returns its folder."""
    folder.mkdir(parents=True)
    samples: dict[str, list[Any]] = {
        split: [text if isinstance(text, Sample) else None for text in texts] for split, texts in splits.items()
    }
    for split, texts in splits.items():
        if not all(samples[split]):
            samples[split] = make_samples(split, [str(text) for text in texts], height, channels)
    entries: dict[str, list[ShardEntry]] = {split: [] for split in samples}
    for shard in plan_shards({split: len(lines) for split, lines in samples.items()}, shard_samples):
        lines = samples[shard.split][shard.start : shard.stop]
        entry = write_shard(folder, shard.stem, lines, formats=formats, encoding=encoding, rejected={})
        entries[shard.split].append(entry)
    write_dataset_manifest(folder, entries, charset=charset, height=height, channels=channels, encoding=encoding)
    return folder


def write_dataset_manifest(
    folder: Path,
    shards: Mapping[str, Sequence[ShardEntry]],
    *,
    charset: str = DIGITS,
    height: int = 32,
    channels: int = 1,
    encoding: str = "raw",
    **changes: Any,
) -> Manifest:
    """Writes and returns the manifest of the shards of each split; `changes` are fields of it."""
    values = {
        "format": FORMAT,
        "name": folder.name,
        "fingerprint": hashlib.sha256(str(shards).encode()).hexdigest(),
        "recipe": {"text": {"source": "numeric"}},
        "charset": charset,
        "image": ImageShape(height=height, channels=channels, encoding=encoding),  # type: ignore[arg-type]
        "splits": {
            name: SplitEntry(samples=sum(entry.samples for entry in entries), shards=tuple(entries))
            for name, entries in shards.items()
        },
        "rejected": {},
        "fonts": {},
        "environment": {},
    }
    manifest = Manifest(**(values | changes))
    write_manifest(folder, manifest)
    return manifest


def manifest_values(folder: Path) -> dict[str, Any]:
    """What manifest.json holds, but for its checksum: who edits a manifest removes that."""
    values: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    values.pop("checksum", None)
    return values


def flip_byte(path: Path, position: int | None = None) -> None:
    """Changes one byte of a file, the one in the middle unless a position is given."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if position is None else position] ^= 0xFF
    path.write_bytes(data)


# The one training that several test modules share


@dataclass(frozen=True, kw_only=True)
class TrainedRun:
    """A reader that knows 16 lines by heart."""

    dataset: Path
    run: Path
    texts: list[str]
    metrics: dict[str, Any]  # as `train` returned them

    @classmethod
    def of(cls, folder: Path) -> "TrainedRun":
        """The run that `train_by_heart` left in a folder."""
        metrics = json.loads((folder / "returned.json").read_text())
        return cls(dataset=folder / "digits", run=folder / "run", texts=texts_by_heart(), metrics=metrics)


def texts_by_heart() -> list[str]:
    """The 16 texts that the trained reader knows."""
    return numbers(16, seed=3)


def train_by_heart(folder: Path) -> None:
    """Trains on 16 lines, each twenty times an epoch; validation and test are the same 16 lines."""
    from ocrlib import config  # here: TensorFlow takes seconds
    from ocrlib.training import trainer  # here: TensorFlow takes seconds
    from ocrlib.training.settings import RunConfig

    texts = texts_by_heart()
    dataset = write_dataset(folder / "digits", {"train": texts * 20, "val": texts, "test": texts})
    settings = {"data": {"batch_size": 16}, "model": {"filters": 2}, "train": {"epochs": 8}}
    metrics = trainer.train([dataset], folder / "run", config.build(RunConfig, settings, {}, "the test"))
    (folder / "returned.json").write_text(json.dumps(metrics))
