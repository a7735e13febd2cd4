"""Trains until a goal is reached and measures the time, for both sides of `bench_train`."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from ocrlib.factory.render.options import LineOptions
from tests.benchmarks.original import draw_number
from tests.factory.render.samples import trdg_fonts
from tests.stock_trdg import stock_line

GOAL = 0.97
LOOK_S, LOOK_SHARE = 0.5, 0.05  # the strings are read again after at least 0.5 s and 5% more time
SAY_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Strings:
    """The new strings: gray images (32, W, 1), their texts, their fonts, and whether they are on white."""

    images: list[np.ndarray]
    texts: list[str]
    fonts: list[str]
    on_white: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Side:
    """One way to train: batches, a training step, and a reader of gray images."""

    batches: Iterable[Any]
    step: Callable[[Any], Any]
    read: Callable[[list[np.ndarray]], list[str]]
    parameters: int
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True, kw_only=True)
class Look:
    """The share read without an error after `seconds`, of all strings and of those on white."""

    seconds: float
    steps: int
    lines: int
    exact: float
    exact_white: float


@dataclass(kw_only=True)
class Course:
    """The course of one training.

    Attributes:
      seconds: its time in all; waiting_s: the part spent waiting for a batch.
      to_goal_s, to_goal_white_s: when the goal was first reached, on all strings and on those on white; None
        if it was not.
      misses_by_font: lines misread at the last look.
    """

    name: str
    parameters: int = 0
    seconds: float = 0.0
    waiting_s: float = 0.0
    ended: str = ""
    to_goal_s: float | None = None
    to_goal_white_s: float | None = None
    looks: list[Look] = field(default_factory=list)
    misses_by_font: dict[str, int] = field(default_factory=dict)

    @property
    def best(self) -> float:
        return max(look.exact for look in self.looks)

    @property
    def best_white(self) -> float:
        return max(look.exact_white for look in self.looks)


def say(text: str) -> None:
    """Prints the progress of the benchmark."""
    # Standard output is thrown away while trdg draws, perhaps in another thread, so this goes to standard error.
    print(text, file=sys.stderr, flush=True)


def draw_strings(num_strings: int) -> Strings:
    """Returns new strings drawn by stock trdg, every second one on white; fonts take turns."""
    rng, fonts = Random("fresh strings"), trdg_fonts()
    images, texts, names, on_white = [], [], [], []
    while len(images) < num_strings:
        number = len(images)
        background = ("plain_white", "gaussian_noise")[number % 2]
        font = fonts[number // 2 % len(fonts)]
        text = draw_number(rng)
        # Seeds from 2**31 on: the original draws its lines from smaller ones.
        image = stock_line(text, font, LineOptions(background=background), 2**31 + rng.getrandbits(31))
        if image is None:  # trdg did not draw it
            continue
        images.append(image[:, :, None])
        texts.append(text)
        names.append(Path(font).stem)
        on_white.append(background == "plain_white")
    return Strings(images=images, texts=texts, fonts=names, on_white=np.array(on_white))


def train(name: str, start: Callable[[], Side], strings: Strings, limit_s: float, to_the_end: bool) -> Course:
    """Trains until the goal is reached on all strings and on those on white.

    Args:
      start: builds the side; its time counts.
      limit_s: seconds after which the training is stopped.
      to_the_end: continue until there are no batches left.
    """
    course = Course(name=name)
    begun = time.perf_counter()
    side = start()
    batches = iter(side.batches)
    course.parameters, course.seconds = side.parameters, time.perf_counter() - begun
    steps = lines = 0
    look_at, say_at = LOOK_S, SAY_S
    while not course.ended:
        begun = time.perf_counter()
        batch = next(batches, None)
        waited_s = time.perf_counter() - begun
        if batch is not None:
            side.step(batch)
            steps, lines = steps + 1, lines + len(batch["width"])
        course.waiting_s += waited_s
        course.seconds += time.perf_counter() - begun
        if batch is None:
            course.ended = "end of its schedule"
        elif course.seconds >= limit_s:
            course.ended = "limit"
        if not course.ended and course.seconds < look_at:
            continue
        exact, exact_white = _look_at_strings(side.read, strings, course)
        look = Look(seconds=course.seconds, steps=steps, lines=lines, exact=exact, exact_white=exact_white)
        if _note(course, look) and not to_the_end:
            course.ended = "goal"
        look_at = course.seconds + max(LOOK_S, LOOK_SHARE * course.seconds)
        if course.ended or course.seconds >= say_at:
            say_at = course.seconds + SAY_S
            say(
                f"{name:9}{course.seconds:8.1f} s{steps:8,} steps{lines:10,} lines   "
                f"exact {exact:6.1%}, on white {exact_white:6.1%}{'  ' + course.ended if course.ended else ''}"
            )
    side.close()
    return course


def _look_at_strings(
    read: Callable[[list[np.ndarray]], list[str]], strings: Strings, course: Course
) -> tuple[float, float]:
    """Returns the shares read without an error, of all strings and of those on white; counts the misread ones by font."""
    readings = read(strings.images)
    right = np.array([reading == text for reading, text in zip(readings, strings.texts, strict=True)])
    course.misses_by_font = dict(Counter(strings.fonts[i] for i in np.flatnonzero(~right)).most_common())
    return float(right.mean()), float(right[strings.on_white].mean())


def _note(course: Course, look: Look) -> bool:
    """Records a reading of the strings, and when a goal was first reached; True after both were."""
    course.looks.append(look)
    if course.to_goal_s is None and look.exact >= GOAL:
        course.to_goal_s = look.seconds
    if course.to_goal_white_s is None and look.exact_white >= GOAL:
        course.to_goal_white_s = look.seconds
    return course.to_goal_s is not None and course.to_goal_white_s is not None
