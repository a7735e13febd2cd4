"""The lines of a dataset in the GPU's memory, those that have been drawn by now, and batches of them.

Letters: B lines, H height, W padded width.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ocrlib.dataset.hdf5 import read_columns

_ROUNDED = 32  # pixels: widths of batches are multiples of it, because each new shape costs cuDNN a plan
_STRETCH, _ZOOM, _SLANT, _SHIFT, _NOISE = 0.1, 0.05, 0.06, 1.0, 8.0  # the largest changes of a line, see `_places`


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Lines of similar width.

    Attributes:
      numbers: (B,) which lines these are.
      gray: (B, H, W) float32 gray levels, on the device.
      width: (B,) int64, true widths.
      labels: the class indices of all lines, one after the other, on the device.
      lengths: (B,) int64, of the labels.
    """

    numbers: np.ndarray
    gray: torch.Tensor
    width: torch.Tensor
    labels: torch.Tensor
    lengths: torch.Tensor


class Lines:
    """The lines of a split, as far as they are drawn.

    Args:
      folder: of a dataset in HDF5, finished or growing.
      split: train or val.
      charset: the characters of the classes.
      height: pixels of every line.
      columns: of pixels in a batch, about.
      gigabytes: for their pixels; lines beyond are not taken up.
      device: where the pixels lie.
    """

    def __init__(
        self,
        folder: Path,
        split: str,
        *,
        charset: str,
        height: int,
        columns: int,
        gigabytes: float,
        device: torch.device,
    ) -> None:
        self._shards = f"{split}-*.h5"
        self._folder, self._height, self._columns, self._device = folder, height, columns, device
        self._class_of = {character: number for number, character in enumerate(charset)}
        self._taken: set[str] = set()
        self._pixels = torch.empty(int(gigabytes * 1e9), dtype=torch.uint8, device=device)
        self._used = 0  # bytes of them
        self._start, self._width, self._visits = (np.zeros(0, np.int64) for _ in range(3))
        self.labels: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self.labels)

    def look(self) -> None:
        """Takes up the shards that have been finished since the last look."""
        for file in sorted(self._folder.glob(self._shards)):
            if file.name in self._taken:
                continue
            columns = read_columns(file, ("pixels", "offsets", "width", "text"))
            end = self._used + len(columns["pixels"])
            if end > len(self._pixels):
                return
            self._taken.add(file.name)
            self._pixels[self._used : end] = torch.from_numpy(columns["pixels"]).to(self._device)
            labels = [np.array([self._class_of[c] for c in text], np.int64) for text in columns["text"]]
            self._start = np.concatenate([self._start, self._used + columns["offsets"][:-1]])
            self._width = np.concatenate([self._width, columns["width"].astype(np.int64)])
            self._visits = np.concatenate([self._visits, np.zeros(len(labels), np.int64)])
            self.labels += labels
            self._used = end

    def one_pass(self, chance: np.random.Generator, widest: int | None = None) -> Iterator[np.ndarray]:
        """Yields (B,) numbers of lines, those that were seen no more often than most: late ones catch up.

        Args:
          chance: of their order.
          widest: pixels; wider lines are left out.
        """
        chosen = np.flatnonzero(self._visits <= math.ceil(self._visits.mean()))
        if widest is not None:
            chosen = chosen[self._width[chosen] <= widest]
        chance.shuffle(chosen)
        size = -(-self._width[chosen] // _ROUNDED)
        batches = []
        for each in np.unique(size):
            those = chosen[size == each]
            count = max(8, self._columns // int(each * _ROUNDED) // 8 * 8)
            batches += [those[i : i + count] for i in range(0, len(those) - count + 1, count)]
        for place in chance.permutation(len(batches)):
            self._visits[batches[place]] += 1
            yield batches[place]

    def every_line(self) -> Iterator[np.ndarray]:
        """Yields (B,) numbers of all lines once, the narrow ones first."""
        order = np.argsort(self._width, kind="stable")
        yield from np.array_split(order, -(-len(order) // 64)) if len(order) else ()

    def batch(self, numbers: np.ndarray, chance: np.random.Generator | None = None) -> Batch:
        """Returns lines by their numbers; with `chance`, each is changed a little, otherwise in each batch."""
        strength = (lambda most: chance.uniform(-most, most, len(numbers))) if chance else (lambda most: 0.0)
        stretch = np.exp(strength(_STRETCH) * np.ones(len(numbers)))
        width = np.maximum(8, np.round(self._width[numbers] * stretch)).astype(np.int64)
        padded = -(-int(width.max()) // _ROUNDED) * _ROUNDED

        def each(values: np.ndarray | float) -> torch.Tensor:
            values = np.broadcast_to(np.asarray(values, np.float32), len(numbers)).copy()
            return torch.from_numpy(values).to(self._device)[:, None, None]

        own = each(self._width[numbers])
        middle = (self._height - 1) / 2
        x = torch.arange(padded, device=self._device, dtype=torch.float32)[None, None, :]
        y = torch.arange(self._height, device=self._device, dtype=torch.float32)[None, :, None] - middle
        from_x = (x + 0.5) / each(stretch) - 0.5 + y * each(strength(_SLANT))
        from_y = y * each(1 + strength(_ZOOM)) + middle + each(strength(_SHIFT))
        gray = self._at(numbers, torch.minimum(from_x.clamp(min=0), own - 1), from_y.clamp(0, self._height - 1), own)
        if chance:
            gray += torch.randn_like(gray) * each(np.maximum(0.0, strength(_NOISE)))
        return Batch(
            numbers=numbers,
            gray=gray.clamp(0, 255),
            width=torch.from_numpy(width),
            labels=torch.from_numpy(np.concatenate([self.labels[i] for i in numbers])).to(self._device),
            lengths=torch.tensor([len(self.labels[i]) for i in numbers]),
        )

    def _at(self, numbers: np.ndarray, x: torch.Tensor, y: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        """(B, H, W) gray levels at places between the pixels of lines of width `own`, by bilinear interpolation."""
        start = torch.from_numpy(self._start[numbers]).to(self._device)[:, None, None]
        width = own.long()
        x0, y0 = x.floor().long(), y.floor().long()
        x1, y1 = (x0 + 1).minimum(width - 1), (y0 + 1).clamp(max=self._height - 1)
        right, down = x - x0, y - y0

        def pixel(row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
            return self._pixels[start + row * width + column].float()

        above = pixel(y0, x0) * (1 - right) + pixel(y0, x1) * right
        below = pixel(y1, x0) * (1 - right) + pixel(y1, x1) * right
        return above * (1 - down) + below * down
