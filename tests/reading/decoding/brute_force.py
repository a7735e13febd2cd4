"""Every text and its probability, by writing out all paths: what the decoder is held against."""

import itertools
import math

import numpy as np

Text = tuple[int, ...]


def collapse(path: Text, blank: int) -> Text:
    """The two rules of CTC: merge repeats, then remove blanks."""
    return tuple(step for step, _ in itertools.groupby(path) if step != blank)


def all_chances(probs: np.ndarray) -> dict[Text, float]:
    """{text: its probability} of one sample (T, C)."""
    num_steps, num_classes = probs.shape
    chances: dict[Text, float] = {}
    for path in itertools.product(range(num_classes), repeat=num_steps):
        text = collapse(path, num_classes - 1)
        chances[text] = chances.get(text, 0.0) + math.prod(float(probs[t, step]) for t, step in enumerate(path))
    return chances


def draw_probs(rng: np.random.RandomState, num_samples: int, num_steps: int, num_classes: int) -> np.ndarray:
    """(B, T, C) float32, some steps sure, some not."""
    sharpness = rng.choice([0.1, 1.0], (num_samples, num_steps))
    rows = [rng.dirichlet(np.full(num_classes, each)) for each in sharpness.ravel()]
    probs = np.reshape(np.maximum(rows, 1e-9), (num_samples, num_steps, num_classes))
    return (probs / probs.sum(axis=2, keepdims=True)).astype(np.float32)
