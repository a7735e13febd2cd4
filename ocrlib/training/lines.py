"""The lines of a run: those to learn from, perhaps with some that the start model learned from, and those to validate.

Replay: a network that goes on with a hundred lines of one kind forgets the other kinds. Where a share of its batches
are lines of the old kind, it forgets little (Robins 1995, "Catastrophic forgetting, rehearsal and pseudorehearsal").
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from ocrlib.batches.loader import Loader
from ocrlib.batches.mixture import Mixture
from ocrlib.batches.split import SplitLines
from ocrlib.charset import Charset
from ocrlib.training.plan import Plan, batch_size_for
from ocrlib.training.settings import DataConfig

MEASURED_LINES = 300  # of each dataset, for the margins of its lines


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Datasets of lines that the start model learned from, and their share of all batches, above 0 and below 1."""

    folders: tuple[Path, ...]
    share: float


@dataclass(frozen=True, kw_only=True)
class RunLines:
    """The lines of a run, opened.

    Attributes:
      own: a loader for each dataset.
      replayed: a loader for each dataset of the replay; empty without one.
      validation: the datasets' lines that are held out; nothing of the replay.
      weights: of the datasets, as the user gave them.
      share: of the replay.
    """

    own: list[Loader]
    replayed: list[Loader]
    validation: Mixture
    weights: Sequence[float] | None
    share: float

    @property
    def pass_batches(self) -> int:
        """The batches of a pass over the datasets, those of the replay in between included."""
        return round(sum(loader.count(None, 0) for loader in self.own) / (1 - self.share))

    def mixture(self, plan: Plan) -> Mixture:
        """Returns the batches to learn from, in epochs of the length that is planned."""
        if not self.replayed:
            return Mixture(self.own, self.weights, plan.epoch_batches)
        own, old = self.weights or _counts(self.own), _counts(self.replayed)
        weights = [(1 - self.share) * weight / sum(own) for weight in own]
        weights += [self.share * weight / sum(old) for weight in old]
        return Mixture([*self.own, *self.replayed], weights, plan.epoch_batches or self.pass_batches)


def open_lines(
    datasets: Sequence[Path],
    weights: Sequence[float] | None,
    replay: Replay | None,
    charset: Charset,
    settings: DataConfig,
    stride: int,
    *,
    from_model: bool,
) -> RunLines:
    """Returns the lines of a run, and prints which of them were left out or held out.

    Raises:
      UserError: a dataset cannot be used, as `SplitLines` and `Mixture` say.
    """
    opened = {split: [_open(folder, split, charset, settings) for folder in datasets] for split in ("train", "val")}
    for learned, held in zip(opened["train"], opened["val"], strict=True):
        _tell_held_out(learned, held)
    old = [SplitLines(folder, "train", charset) for folder in replay.folders] if replay else []
    training = [_loader(lines, settings, stride, from_model) for lines in (*opened["train"], *old)]
    return RunLines(
        own=training[: len(datasets)],
        replayed=training[len(datasets) :],
        validation=Mixture([_loader(lines, settings, stride, from_model) for lines in opened["val"]]),
        weights=weights,
        share=replay.share if replay else 0.0,
    )


def some_lines(loaders: Sequence[Loader]) -> Iterator[np.ndarray]:
    """Yields line images of each dataset, the first ones of an epoch."""
    for loader in loaders:
        lines = (
            batch["image"][row, :, : batch["width"][row]]
            for batch in loader.batches(seed=0)
            for row in range(len(batch["width"]))
        )
        yield from islice(lines, MEASURED_LINES)


def _open(folder: Path, split: str, charset: Charset, settings: DataConfig) -> SplitLines:
    lines = SplitLines(
        folder,
        split,
        charset,
        file_format=None if settings.format == "auto" else settings.format,
        selection=settings,
        hashes=settings.verify == "full",
    )
    for reason, ids in lines.left_out.items():
        print(f"{folder} ({split}): {len(ids)} lines left out, {reason}: {', '.join(ids[:5])} ...")
    return lines


def _tell_held_out(learned: SplitLines, held: SplitLines) -> None:
    if "val" in held.manifest.splits and held.manifest.splits["val"].samples:
        return
    if held.manifest.splits["train"].samples == 1:
        print(f"{held.folder}: has one line, which is learned from and validated with; label more of them")
    else:
        print(f"{held.folder}: has no split val; of train, {held.num_samples} lines are held out in its place")


def _loader(lines: SplitLines, settings: DataConfig, stride: int, from_model: bool) -> Loader:
    pixels = sum(width * number for part in lines.parts for width, number in part.widths.items())
    batch_size = batch_size_for(pixels / lines.num_samples, settings.batch_size, from_model)
    return Loader(lines, stride, batch_size, short_first=settings.short_first)


def _counts(loaders: Sequence[Loader]) -> list[int]:
    return [loader.count(None, 0) for loader in loaders]
