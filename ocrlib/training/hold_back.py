"""After a training with a replay: takes back as much of what was learned as cost too much of what was known before.

Weights between those of the start and those that were learned read both kinds of lines: half of the way keeps most of
what the own lines taught, and forgets a quarter of what the whole way does (Wortsman et al. 2022, "Robust fine-tuning
of zero-shot models"; our figures are in docs/own-lines.md). The two networks must be close to each other, as they are
after a few hundred steps.
"""

import shutil
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib.backend import keras
from ocrlib.evaluation.evaluate import evaluate_dataset
from ocrlib.files import whole_path
from ocrlib.network.open import load_keras
from ocrlib.reading.recognizer import Recognizer
from ocrlib.training.checkpoint import save_network
from ocrlib.training.lines import Replay

SHARES = tuple(percent / 100 for percent in range(100, 45, -5))  # of the way from the start to what was learned
_LEARNED = "learned.keras"  # in `last`: the network before anything was taken back
_FEW_EDITS = 3  # are chance, however few there were before
_LAST = "characters"

Weights = dict[str, list[np.ndarray]]  # of each layer, by its name


@dataclass(frozen=True, kw_only=True)
class StartWeights:
    """The weights that a training began with, and the classes of the characters that nothing was known about."""

    layers: Weights
    fresh: Sequence[int]


def start_weights(network: keras.Model, fresh: Sequence[int]) -> StartWeights:
    """Returns the weights of a network that has not learned yet; `fresh` are the classes with random weights."""
    return StartWeights(layers={layer.name: layer.get_weights() for layer in network.layers}, fresh=fresh)


def hold_back(
    run: Path, start: StartWeights, replay: Replay, before: Mapping[str, Mapping[str, Any]], forget: float
) -> tuple[float, dict[str, Any]]:
    """Replaces best.keras by the farthest network on the way to it that forgets little enough, or by the one half way.

    A second call does the same as the first one.

    Args:
      run: folder with best.keras.
      start: where the way begins.
      replay: the lines that say what was forgotten.
      before: how the start reads them, as `measure_replay` returns.
      forget: the most edits that are allowed, as a multiple of those before.

    Returns:
      The share of the way, 0.5 to 1, and how the network there reads the lines of the replay.
    """
    learned_file = run / "last" / _LEARNED
    if not learned_file.exists():
        with whole_path(learned_file, ending=".keras") as temporary:
            shutil.copyfile(run / "best.keras", temporary)
    network, charset = load_keras(learned_file)
    learned = {layer.name: layer.get_weights() for layer in network.layers}
    recognizer, measured = Recognizer.of_keras(network, charset), {}

    def forgets_little(share: float) -> bool:
        set_between(network, start, learned, share)
        measured[share] = measure_replay(recognizer, replay)
        return is_kept(before, measured[share], forget)

    # Halves the shares that are left: the less of the way, the less is forgotten. The last one is taken in any case.
    share = SHARES[bisect_left(SHARES[:-1], True, key=forgets_little)]
    if share not in measured:
        forgets_little(share)
    set_between(network, start, learned, share)
    save_network(network, run / "best.keras")
    return share, measured[share]


def forget_learned(run: Path) -> None:
    """Says that best.keras is another one now, and nothing of it was taken back yet."""
    (run / "last" / _LEARNED).unlink(missing_ok=True)


def set_between(network: keras.Model, start: StartWeights, learned: Weights, share: float) -> None:
    """Gives a network the weights at a share of the way; characters that the start did not know stay as learned."""
    for layer in network.layers:
        mixed = [
            ((1 - share) * old + share * new).astype(new.dtype)
            for old, new in zip(start.layers[layer.name], learned[layer.name], strict=True)
        ]
        if layer.name == _LAST:
            for array, new in zip(mixed, learned[layer.name], strict=True):
                array[..., list(start.fresh)] = new[..., list(start.fresh)]
        layer.set_weights(mixed)


def is_kept(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]], forget: float) -> bool:
    """Returns whether the lines of before are read well enough: all datasets together, a few edits aside."""
    was, now = (sum(figures["character_edits"] for figures in each.values()) for each in (before, after))
    return bool(now <= max(forget * was, was + _FEW_EDITS))


def measure_replay(recognizer: Recognizer, replay: Replay) -> dict[str, Any]:
    """Returns the error rates of a network on each dataset of the replay, on lines that it does not learn from."""
    return {str(folder): evaluate_dataset(recognizer, folder, "val") for folder in replay.folders}
