"""A network out of a file is tried before it reads: what it says of itself, what it answers, memory and time."""

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.network import trial
from ocrlib.network.ready import Network
from ocrlib.pictures.paper import Margins
from ocrlib.rounding import ceil_div


def answer(image: np.ndarray, width: np.ndarray) -> np.ndarray:
    """As a network of three classes and a stride of 4 answers."""
    return np.full((len(image), ceil_div(image.shape[2], 4), 3), 1 / 3, np.float32)


NETWORK = Network(charset=Charset("01"), height=32, channels=1, width_stride=4, run=answer)


def test_a_sound_network_passes_after_one_question() -> None:
    asked = []
    trial.check_network(replace(NETWORK, run=lambda *lines: asked.append(lines) or answer(*lines)), Path("m"))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"height": 0}, "height must be 1 to 1024, not 0"),
        ({"height": 10**30}, "height must be 1 to 1024, not 1000"),
        ({"width_stride": -4}, "width_stride must be 1 to 64, not -4"),
        ({"channels": 2}, "channels must be 1 or 3, not 2"),
        ({"margins": Margins(0.1, float("nan"), 0.1, 0.1)}, "margins must be four shares from 0 to 100"),
        ({"patterns": (7,)}, "patterns must be texts"),
        ({"charset": Charset("012")}, "must answer float32 (2, 8, 4), not float32 (2, 8, 3)"),
        ({"run": lambda image, width: answer(image, width)[:1]}, "not float32 (1, 8, 3)"),
        ({"run": lambda image, width: answer(image, width).astype(float)}, "not float64 (2, 8, 3)"),
        ({"run": lambda image, width: None}, "not NoneType"),
        ({"run": lambda image, width: answer(image, width) * np.float32("nan")}, "are no probabilities"),
        ({"run": lambda image, width: -answer(image, width)}, "are no probabilities"),
        ({"run": lambda image, width: answer(image, width) * 2}, "do not add up to 1"),
    ],
)
def test_what_a_file_says_of_its_network_is_compared_with_it(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as raised:
        trial.check_network(replace(NETWORK, **changes), Path("m.onnx"))
    assert str(raised.value).startswith("m.onnx: is not a network of ocrlib's: ")
    assert message in str(raised.value)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no such limit here")
def test_memory_is_bounded_while_a_network_is_opened_and_not_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr(trial, "MAX_MEMORY_BYTES", 64 << 20)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(MemoryError), trial.bounded_memory():
        bytearray(1 << 30)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert len(bytearray(1 << 28)) == 1 << 28


def test_work_that_takes_too_long_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "MAX_SECONDS", 0.01)
    stopped = threading.Event()
    with trial.stopped_after_time(stopped.set):
        assert stopped.wait(60)
    late = threading.Event()
    monkeypatch.setattr(trial, "MAX_SECONDS", 600.0)
    with trial.stopped_after_time(late.set):
        pass
    assert not late.is_set()
