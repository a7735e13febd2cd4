"""The training on a GPU: the rate follows the clock, and ends with it, however many lines have been drawn by then."""

import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from ocrlib.pretrained.gpu.arrays import read_arrays, write_arrays
from ocrlib.pretrained.gpu.lines import Batch, Lines
from ocrlib.pretrained.gpu.network import Crnn

_WARMUP = 0.04  # share of the time in which the learning rate climbs
_SHORT_FIRST = 0.1  # share of the time in which only narrow lines are learned from
_DECAY = 0.01  # of kernels
_CLIP_NORM = 5.0
_SPEAKS_EVERY_S, _SAVES_EVERY_S = 10, 60


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to train.

    Attributes:
      seconds: from the first line to the end.
      learning_rate: the peak.
      columns: of pixels in a batch.
      widest_first: pixels; in the beginning no wider lines are learned from. None: all from the first step on.
      changed: whether each line is changed a little each time.
      gigabytes: of the GPU's memory for lines.
    """

    seconds: float
    learning_rate: float
    columns: int
    widest_first: int | None
    changed: bool
    gigabytes: float


def train(begun: Path, folder: Path, held: Path, out: Path, plan: Plan) -> None:
    """Learns from the lines of a dataset, finished or growing.

    Args:
      begun: weights, of `arrays`.
      folder: the dataset.
      held: a dataset whose validation split is read now and then; may be the same.
      out: where the weights go, every minute and at the end.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(1)
    shape, weights = read_arrays(begun)
    about = {"charset": shape.charset, "height": shape.height, "columns": plan.columns, "device": device}
    lines = Lines(folder, "train", gigabytes=plan.gigabytes, **about)
    held_lines = Lines(held, "val", gigabytes=0.1, **about)
    network = Crnn(shape, weights).to(device, memory_format=torch.channels_last)
    while not len(lines):
        time.sleep(1)
        lines.look()
    _Training(network, lines, held_lines, out, plan, device).run()


class _Training:
    """A network that learns, and what is counted of it."""

    def __init__(self, network: Crnn, lines: Lines, held: Lines, out: Path, plan: Plan, device: torch.device) -> None:
        self.network, self.lines, self.held, self.out, self.plan, self.device = network, lines, held, out, plan, device
        kernels = [weight for weight in network.parameters() if weight.ndim > 1]
        others = [weight for weight in network.parameters() if weight.ndim == 1]
        groups = [{"params": kernels, "weight_decay": _DECAY}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(
            groups, lr=plan.learning_rate, betas=(0.9, 0.99), fused=device.type == "cuda"
        )
        self.chance = np.random.default_rng(1)
        self.start = time.monotonic()
        self.steps = self.learned = 0

    @property
    def part(self) -> float:
        """The share of the time that is over."""
        return (time.monotonic() - self.start) / self.plan.seconds

    def run(self) -> None:
        """Trains until the time is over; prints how it goes, and saves."""
        spoken = saved = self.start
        losses: list[torch.Tensor] = []
        while self.part < 1:
            self.lines.look()
            widest = self.plan.widest_first if self.part < _SHORT_FIRST else None
            for numbers in self.lines.one_pass(self.chance, widest):
                losses.append(self._step(numbers))
                now = time.monotonic()
                if now - spoken > _SPEAKS_EVERY_S:
                    loss = torch.stack(losses).mean().item()
                    counts = f"{self.steps} steps, {self.learned} lines learned of {len(self.lines)} drawn"
                    print(f"{now - self.start:4.0f} s: {counts}, loss {loss:.3f}", flush=True)
                    spoken, losses = now, []
                if now - saved > _SAVES_EVERY_S:
                    self._save()
                    saved = now
                if self.part >= 1 or (widest and self.part >= _SHORT_FIRST):
                    break
        self._save()

    def _step(self, numbers: np.ndarray) -> torch.Tensor:
        """Learns from a batch and returns its mean loss."""
        part = min(1.0, self.part)
        rate = part / _WARMUP if part < _WARMUP else 0.5 + 0.5 * math.cos(math.pi * (part - _WARMUP) / (1 - _WARMUP))
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.learning_rate * rate
        self.network.train()
        batch = self.lines.batch(numbers, self.chance if self.plan.changed else None)
        loss = functional.ctc_loss(
            self._scores(batch),
            batch.labels,
            self._times(batch),
            batch.lengths,
            self._blank,
            zero_infinity=True,
            reduction="none",
        ).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP_NORM)
        self.optimizer.step()
        self.steps += 1
        self.learned += len(numbers)
        return loss.detach()

    @property
    def _blank(self) -> int:
        return len(self.network.shape.charset)

    def _times(self, batch: Batch) -> torch.Tensor:
        return -(-batch.width // self.network.shape.stride)

    def _scores(self, batch: Batch) -> torch.Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            return self.network(batch.gray, batch.width.to(self.device, non_blocking=True))

    def _save(self) -> None:
        """Writes the weights, and prints how many held lines the network reads without an error."""
        self.network.shape.training = {
            "device": torch.cuda.get_device_name() if self.device.type == "cuda" else "processor",
            "minutes": round((time.monotonic() - self.start) / 60, 2),
            "steps": self.steps,
            "lines_drawn": len(self.lines),
            "lines_learned": self.learned,
            "learning_rate": self.plan.learning_rate,
        }
        write_arrays(self.out, self.network.shape, self.network.weights())
        self.held.look()
        if len(self.held):
            print(f"{self._exact():.2%} of {len(self.held)} held lines exact", flush=True)

    @torch.no_grad()
    def _exact(self) -> float:
        self.network.eval()
        right = 0
        for numbers in self.held.every_line():
            batch = self.held.batch(numbers)
            best = self._scores(batch).argmax(-1).T.cpu().numpy()  # (B, T)
            for path, end, number in zip(best, self._times(batch).tolist(), numbers, strict=True):
                classes = path[:end][np.diff(path[:end], prepend=-1) != 0]
                right += np.array_equal(classes[classes != self._blank], self.held.labels[number])
        return right / len(self.held)
