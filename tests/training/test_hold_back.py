"""What was learned is taken back in part: which share of the way is taken, and what the weights are there."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocrlib.backend import keras
from ocrlib.network.crnn import build_crnn
from ocrlib.network.open import load_keras
from ocrlib.training import hold_back as module
from ocrlib.training.checkpoint import save_network
from ocrlib.training.hold_back import (
    SHARES,
    StartWeights,
    Weights,
    forget_learned,
    hold_back,
    is_kept,
    set_between,
    start_weights,
)
from ocrlib.training.lines import Replay

REPLAY = Replay(folders=(), share=0.5)


def figures(*edits: int) -> dict[str, dict[str, Any]]:
    """As `measure_replay` returns, a dataset for each number."""
    return {str(number): {"character_edits": of_one} for number, of_one in enumerate(edits)}


def network_of(value: float) -> keras.Model:
    """A small network whose weights are all the same number; its characters are 0 and 1."""
    network = build_crnn(32, 3, stride=2, filters=0.1, charset="01")
    network.set_weights([np.full_like(array, value) for array in network.get_weights()])
    return network


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (figures(100), figures(130), True),
        (figures(100), figures(131), False),
        (figures(60, 40), figures(100, 30), True),  # all datasets together
        (figures(0), figures(3), True),  # a few are chance
        (figures(0), figures(4), False),
        (figures(5), figures(2), True),
    ],
)
def test_a_third_more_edits_is_too_many(before: dict[str, Any], after: dict[str, Any], kept: bool) -> None:
    assert is_kept(before, after, 1.3) is kept


def test_weights_lie_between_except_for_characters_that_the_start_did_not_know() -> None:
    start, network = start_weights(network_of(0.0), fresh=[1]), network_of(1.0)
    learned = {layer.name: layer.get_weights() for layer in network.layers}
    set_between(network, start, learned, 0.25)
    kernel, bias = network.get_layer("characters").get_weights()
    assert (kernel[:, 0] == 0.25).all()
    assert (kernel[:, 1] == 1.0).all()
    assert bias.tolist() == [0.25, 1.0, 0.25]
    others = [array for layer in network.layers if layer.name != "characters" for array in layer.get_weights()]
    assert others
    assert all((array == 0.25).all() for array in others)


@pytest.mark.parametrize(("kept_from", "share"), [(1.0, 1.0), (0.97, 0.95), (0.7, 0.7), (0.52, 0.5), (0.1, 0.5)])
def test_the_largest_share_is_taken_that_forgets_little_else_the_smallest(
    kept_from: float, share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "last").mkdir()
    save_network(network_of(1.0), tmp_path / "best.keras")
    start = start_weights(network_of(0.0), fresh=[])
    asked, between = list[float](), list[float]()

    def at_share(network: keras.Model, start: StartWeights, learned: Weights, share: float) -> None:
        between.append(share)
        set_between(network, start, learned, share)

    def measured(recognizer: Any, replay: Replay) -> dict[str, Any]:
        asked.append(between[-1])
        return figures(10 if asked[-1] <= kept_from else 100)

    monkeypatch.setattr(module, "measure_replay", measured)
    monkeypatch.setattr(module, "set_between", at_share)
    for _ in range(2):  # a second call goes the same way, not half of half of it
        asked.clear()
        assert hold_back(tmp_path, start, REPLAY, figures(10), 1.3)[0] == share
        assert set(asked) <= set(SHARES) and len(asked) == len(set(asked)) <= 5  # each once, and not all of them
        network, _ = load_keras(tmp_path / "best.keras")
        np.testing.assert_allclose(network.get_layer("characters").get_weights()[1], share, rtol=1e-6)
    forget_learned(tmp_path)
    assert not list((tmp_path / "last").iterdir())
