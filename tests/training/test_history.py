"""What is written after each epoch: a row of history.csv, and the lines whose reading is drawn."""

from pathlib import Path

import numpy as np
import pytest

from ocrlib.batches.loader import Loader
from ocrlib.batches.mixture import Mixture
from ocrlib.batches.split import SplitLines
from ocrlib.charset import Charset
from ocrlib.training.history import figures_line, read_rows, strip_lines, write_row
from tests.training_fixtures import DIGITS, draw_line, numbers, write_dataset


def test_the_header_comes_once_and_each_epoch_has_its_row(tmp_path: Path) -> None:
    for epoch in range(3):
        write_row(tmp_path / "history.csv", epoch, {"val_cer": 0.5 / (epoch + 1), "loss": 2.0})
    rows = (tmp_path / "history.csv").read_bytes().decode().split("\r\n")
    assert rows == ["epoch,loss,val_cer", "1,2.0,0.5", "2,2.0,0.25", "3,2.0,0.16666666666666666", ""]


def test_the_line_of_an_epoch_tells_of_steps_with_a_part_left_out() -> None:
    figures = {"loss": 1.0, "val_loss": 2.0, "val_cer": 0.1, "val_wer": 0.2, "val_exact_match": 0.5, "minutes": 3.0}
    plain = "epoch 1: loss 1.000, validation loss 2.000, CER 10.00%, WER 20.00%, exact 50.00%, 3.0 min"
    assert figures_line(0, {**figures, "spoiled_steps": 0.0}) == figures_line(0, figures) == plain
    assert figures_line(0, {**figures, "spoiled_steps": 1.0}).startswith(f"{plain}; in 1 step a part of")
    assert figures_line(0, {**figures, "spoiled_steps": 2.0}).startswith(f"{plain}; in 2 steps a part of")


def test_rows_without_a_column_that_came_later_stay(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    for epoch in range(4):
        write_row(path, epoch, {"loss": 1.0} if epoch < 2 else {"loss": 1.0, "spoiled_steps": 0.0})
    assert [(row["epoch"], row["spoiled_steps"]) for row in read_rows(path)] == [
        ("1", ""), ("2", ""), ("3", "0.0"), ("4", "0.0"),
    ]  # fmt: skip


def test_an_epoch_that_is_trained_again_has_one_row(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    for epoch in (0, 1, 2, 1):  # killed behind the rows of epochs 1 and 2, before their places were saved
        write_row(path, epoch, {"loss": float(epoch)})
    assert path.read_bytes() == b"epoch,loss\r\n1,0.0\r\n2,1.0\r\n"


@pytest.mark.parametrize(
    "torn", ["2,2", "2,", "2,2.5,7\r\n", "2,2..5\r\n", "2\r\n", "2,2.2,3.0\r\n", "\0\xff\r\n", '"2,2']
)
def test_a_row_that_a_kill_cut_is_written_again(torn: str, tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_bytes(b"epoch,loss\r\n1,3.0\r\n" + torn.encode("latin-1"))
    assert [row["epoch"] for row in read_rows(path)] == ["1"]
    write_row(path, 1, {"loss": 2.5})
    assert path.read_bytes() == b"epoch,loss\r\n1,3.0\r\n2,2.5\r\n"


def test_of_two_rows_of_an_epoch_the_later_one_is_true(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss\n1,3.0\n2,9.0\n2,2.0\n")
    write_row(path, 2, {"loss": 1.0})
    assert [row["loss"] for row in read_rows(path)] == ["3.0", "2.0", "1.0"]


@pytest.mark.parametrize(
    ("num_validation", "batch_size", "expected"), [(40, 4, 16), (40, 100, 16), (20, 6, 16), (5, 4, 5), (1, 4, 1)]
)
def test_lines_for_the_strip_are_all_different(
    num_validation: int, batch_size: int, expected: int, tmp_path: Path
) -> None:
    texts = list(dict.fromkeys(numbers(200, longest=6)))[:num_validation]
    folder = write_dataset(tmp_path / "d", {"val": texts})
    charset = Charset(DIGITS)
    images, truths = strip_lines(Mixture([Loader(SplitLines(folder, "val", charset), None, batch_size)]), charset)
    assert len(truths) == len(set(truths)) == expected
    assert set(truths) <= set(texts)
    for image, truth in zip(images, truths, strict=True):
        assert np.array_equal(image[:, :, 0], draw_line(truth))
    if num_validation == 40:  # from narrow to wide
        widths = [image.shape[1] for image in images]
        assert min(widths) < 35
        assert max(widths) > 80
