"""What a training decides before its first step: the margins that pictures are cut to from then on."""

from pathlib import Path

import pytest

from ocrlib import config
from ocrlib.network.crnn import build_crnn
from ocrlib.network.open import open_network
from ocrlib.pictures.paper import Margins
from ocrlib.training.checkpoint import save_network
from ocrlib.training.settings import RunConfig
from ocrlib.training.trainer import train
from tests.imports.own_lines import import_from, numbered, write_pairs

OF_THE_START = Margins(0.3, 0.2, 0.1, 0.4)


@pytest.mark.parametrize("cut", ["true", "false"])
def test_own_lines_that_were_cut_leave_the_margins_of_the_start_as_they_are(cut: str, tmp_path: Path) -> None:
    """What it knew before is read as before; lines as they were given are read with margins of their own."""
    network = build_crnn(32, 11, stride=4, filters=0.1, charset="0123456789")
    network.get_layer("characters").margins = list(OF_THE_START)
    save_network(network, tmp_path / "start.keras")
    import_from(write_pairs(tmp_path / "mine", numbered(12)), tmp_path / "lines", {"render.cut": cut})
    asked = config.build(RunConfig, {"data": {"batch_size": 4}, "train": {"epochs": 1}}, {}, "the test")
    train([tmp_path / "lines"], tmp_path / "run", asked, init=str(tmp_path / "start.keras"))
    assert (open_network(str(tmp_path / "run")).margins == OF_THE_START) is (cut == "true")
