"""The picture of a run's history."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrlib.training.curve import draw_curve

HEADER = "epoch,learning_rate,loss,minutes,val_cer,val_loss\n"


def picture(tmp_path: Path, *rows: str) -> np.ndarray:
    (tmp_path / "history.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))
    draw_curve(tmp_path / "history.csv", tmp_path / "curve.png")
    return np.asarray(Image.open(tmp_path / "curve.png").convert("L"))


def test_a_curve_falls_from_left_to_right(tmp_path: Path) -> None:
    falling = picture(tmp_path, "0,0.1,5,1,0.5,6", "1,0.1,3,2,0.1,4", "2,0.1,2,3,0.02,3")
    level = picture(tmp_path, "0,0.1,5,1,0.5,6", "1,0.1,5,2,0.5,6", "2,0.1,5,3,0.5,6")
    assert falling.shape == level.shape == (320, 800)
    assert not np.array_equal(falling, level)


@pytest.mark.parametrize(
    "rows",
    [["0,0.1,5,1,0.5,6"], ["0,0.1,5,1,0.1,6", "1,0.1,5,2,0,6"], ["0,0.1,5,1,0,6"], ["0,0.1,5,1,0.1,6", "1,0.1,5"]],
)
def test_one_epoch_and_a_cer_of_zero_can_be_drawn(tmp_path: Path, rows: list[str]) -> None:
    assert (picture(tmp_path, *rows) < 128).any()
