"""Which lines are trained on: conditions, limits, charsets, and a validation split by rule."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ocrlib.batches.loader import Loader
from ocrlib.batches.selection import SelectionConfig, held_out, keep_where, needed_columns
from ocrlib.batches.split import SplitLines
from ocrlib.charset import Charset
from ocrlib.errors import UserError
from tests.training_fixtures import DIGITS, make_samples, numbers, write_dataset

COLUMNS = {
    "text": np.array(["1", "22", "333", "4444"], object),
    "width": np.array([20, 40, 60, 80]),
    "font": np.array(["DejaVuSans.ttf", "DejaVuSerif.ttf", "Lato.ttf", "DejaVuSans-Bold.ttf"], object),
    "skew_deg": np.array([-1, 0, 0, 2]),
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """110 lines of digits in 5 shards, in one split."""
    return write_dataset(tmp_path_factory.mktemp("selection") / "digits", {"train": numbers(110, seed=1)})


@pytest.fixture(scope="module")
def whole_train(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, but with a split for validation: nothing is held out of the other one."""
    folder = tmp_path_factory.mktemp("selection") / "whole"
    return write_dataset(folder, {"train": numbers(110, seed=1), "val": ["1"]})


def chosen(folder: Path, split: str = "train", charset: str = DIGITS, **settings: object) -> list[str]:
    """The ids of the lines in an epoch; checks that each comes once."""
    selection = SelectionConfig(**settings)  # type: ignore[arg-type]
    loader = Loader(SplitLines(folder, split, Charset(charset), selection=selection), stride=4)
    counts = Counter(str(name) for batch in loader.batches(1, 0) for name in batch["id"])
    assert set(counts.values()) == {1}
    assert len(counts) == loader.num_samples
    assert sum(1 for _ in loader.batches(1, 0)) == loader.count(1, 0)
    return sorted(counts)


@pytest.mark.parametrize(
    ("conditions", "kept"),
    [
        ((), [True, True, True, True]),
        (("label_length <= 2",), [True, True, False, False]),
        (("label_length > 1", "width < 80"), [False, True, True, False]),
        (("font = DejaVuS*",), [True, True, False, True]),
        (("font != DejaVuS*",), [False, False, True, False]),
        (("skew_deg = 0",), [False, True, True, False]),
        (("skew_deg!=-1",), [False, True, True, True]),
    ],
)
def test_conditions_keep(conditions, kept):
    assert keep_where(COLUMNS, SelectionConfig(where=conditions)).tolist() == kept


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("font", "--data.where: expected 'NAME = VALUE' or the like, not 'font'"),
        ("colour = red", "--data.where: no line has a 'colour'; they have font, "),
        ("font < Z", "--data.where: font is text and can be compared by = and != only, not <"),
        ("width = wide", "--data.where: width is a number, 'wide' is none"),
    ],
)
def test_an_impossible_condition_is_an_error_of_one_line(condition, message):
    with pytest.raises(UserError) as caught:
        needed_columns(SelectionConfig(where=(condition,)))
    assert str(caught.value).startswith(message)


def test_limit_and_fraction_take_the_first_lines(whole_train):
    first_forty = [f"train-{i:09d}" for i in range(40)]
    assert chosen(whole_train, limit=40) == first_forty
    assert chosen(whole_train, fraction=40 / 110) == first_forty
    assert len(chosen(whole_train, limit=500)) == 110


def test_conditions_reach_the_batches(whole_train):
    texts = numbers(110, seed=1)
    wanted = [f"train-{i:09d}" for i, text in enumerate(texts) if len(text) <= 3]
    assert 0 < len(wanted) < 110
    assert chosen(whole_train, where=("label_length <= 3",)) == wanted


def test_a_split_by_rule_puts_each_line_into_one_part_and_always_the_same(dataset):
    training, validation = chosen(dataset, "train", val_share=0.3), chosen(dataset, "val", val_share=0.3)
    assert not set(training) & set(validation)
    assert len(training) + len(validation) == 110
    assert 15 <= len(validation) <= 55
    assert chosen(dataset, "val", val_share=0.3) == validation
    grown = held_out(np.array([f"train-{i:09d}" for i in range(1000)], object), int(0.3 * 2**32))
    assert [f"train-{i:09d}" for i in np.flatnonzero(grown[:110])] == validation


@pytest.mark.parametrize("share", [1e-9, 0.05, 0.999999])
@pytest.mark.parametrize("num_lines", [2, 3])
def test_of_few_lines_one_at_least_is_held_out_and_one_is_left(num_lines, share, tmp_path):
    folder = write_dataset(tmp_path / "few", {"train": numbers(num_lines)})
    parts = [chosen(folder, split, val_share=share) for split in ("train", "val")]
    assert sorted(parts[0] + parts[1]) == [f"train-{i:09d}" for i in range(num_lines)]
    assert all(parts)


def test_a_single_line_is_learned_from_and_validated_with(tmp_path):
    folder = write_dataset(tmp_path / "one", {"train": ["7"]})
    assert chosen(folder, "train") == chosen(folder, "val") == ["train-000000000"]


def test_lines_outside_the_charset_stop_the_run_or_are_left_out_and_named(dataset):
    charset = DIGITS.replace("7", "")
    with pytest.raises(UserError, match=r"sample train-\d+: the charset lacks '7'"):
        chosen(dataset, charset=charset)
    lines = SplitLines(dataset, "train", Charset(charset), selection=SelectionConfig(unencodable="skip"))
    with_seven = [f"train-{i:09d}" for i, text in enumerate(numbers(110, seed=1)) if "7" in text]
    held = set(SplitLines(dataset, "val", Charset(DIGITS), selection=SelectionConfig()).read_provenance("font"))
    assert lines.left_out == {"unencodable": [name for name in with_seven if name not in held]}


def test_a_selection_without_lines_is_an_error(dataset):
    with pytest.raises(UserError, match="the selection leaves no line of split 'train'"):
        chosen(dataset, where=("label_length > 99",))


def test_full_verification_finds_a_changed_byte_before_anything_is_read(tmp_path):
    folder = write_dataset(tmp_path / "d", {"train": numbers(10), "val": numbers(4)})
    path = folder / "train-00000-of-00001.h5"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    SplitLines(folder, "train", Charset(DIGITS))
    with pytest.raises(UserError, match=r"train-00000-of-00001\.h5: its bytes changed .* --repair"):
        SplitLines(folder, "train", Charset(DIGITS), hashes=True)


def test_samples_of_any_name_can_be_selected(tmp_path):
    samples = make_samples("train", ["12", "345"])
    samples[1].provenance["font"] = "Serif.ttf"
    folder = write_dataset(tmp_path / "d", {"train": samples, "val": numbers(3)})
    assert chosen(folder, where=("font = Serif*",)) == ["train-000000001"]
