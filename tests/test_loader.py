"""Shards to batches: nothing lost, nothing doubled, nothing different, and every damage named."""

import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrlib import loader as loader_module
from ocrlib.buckets import WIDTH_MULTIPLE, Bucket, plan_buckets
from ocrlib.charset import Charset, ctc_steps
from ocrlib.crnn import time_steps
from ocrlib.errors import UserError
from ocrlib.loader import PAPER, Batch, Loader, to_tf_dataset
from ocrlib.mixture import Mixture
from tests.training_fixtures import DIGITS, draw_line, flip_byte, make_samples, numbers, write_dataset

TRAIN = numbers(110, seed=1)
FORMATS = ["tfrecord", "hdf5"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """110 lines for training in 5 shards, 30 for validation in 2."""
    return write_dataset(tmp_path_factory.mktemp("loader") / "digits", {"train": TRAIN, "val": numbers(30, seed=2)})


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than two shards of `dataset` in memory at once."""
    monkeypatch.setattr(loader_module, "WINDOW_BYTES", 120_000)


def load(folder: Path, split: str = "train", characters: str = DIGITS, **arguments: object) -> Loader:
    """A loader as a training opens it, with small batches."""
    settings = {"time_steps": time_steps, "batch_size": 8, **arguments}
    return Loader(folder, split, Charset(characters), **settings)  # type: ignore[arg-type]


def ids(batches: list[Batch]) -> list[list[str]]:
    """What each batch holds."""
    return [batch["id"].tolist() for batch in batches]


def assert_same(left: list[Batch], right: list[Batch]) -> None:
    """Equal to the last pixel, in the same order."""
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            assert a[name].dtype == b[name].dtype, name
            assert np.array_equal(a[name], b[name]), name


# Buckets


@pytest.mark.parametrize(
    ("widths", "batch_size", "num_buckets", "buckets"),
    [
        ({100: 7}, 64, 24, [(104, 62)]),  # one width: one bucket, its area that of 64 average lines
        ({104: 7}, 64, 24, [(104, 64)]),
        ({1: 1}, 64, 24, [(8, 8)]),
        ({97: 3, 104: 3}, 10, 24, [(104, 10)]),  # both round up to 104
        ({8: 5, 16: 1, 24: 1}, 4, 2, [(8, 6), (24, 2)]),  # the many narrow lines get the bucket of their own
        ({8: 1, 16: 2, 24: 5}, 4, 2, [(16, 5), (24, 3)]),
        ({8: 5, 16: 1, 24: 1}, 4, 1, [(24, 2)]),
        ({8: 5, 16: 1, 24: 1}, 4, 3, [(8, 6), (16, 3), (24, 2)]),
        ({16: 1, 1000: 1}, 1, 24, [(16, 32), (1000, 1)]),  # never a batch of none
    ],
)
def test_buckets_of_a_histogram(
    widths: dict[int, int], batch_size: int, num_buckets: int, buckets: list[tuple[int, int]]
) -> None:
    expected = [Bucket(width_px=width, batch_size=lines) for width, lines in buckets]
    assert plan_buckets(widths, batch_size, num_buckets) == expected


def padded_area(widths: dict[int, int], edges: list[int]) -> int:
    """Pixels of width of all lines, each in the narrowest bucket that takes it."""
    return sum(min(edge for edge in edges if edge >= width) * lines for width, lines in widths.items())


@settings(max_examples=60, deadline=None)
@given(
    widths=st.dictionaries(st.integers(1, 60), st.integers(1, 9), min_size=1, max_size=8),
    num_buckets=st.integers(1, 4),
)
def test_no_other_choice_of_as_many_buckets_wastes_less(widths: dict[int, int], num_buckets: int) -> None:
    edges = [bucket.width_px for bucket in plan_buckets(widths, 8, num_buckets)]
    assert edges == sorted(set(edges))
    assert len(edges) <= num_buckets
    assert all(edge % WIDTH_MULTIPLE == 0 for edge in edges)
    possible = sorted({-(-width // WIDTH_MULTIPLE) * WIDTH_MULTIPLE for width in widths})
    choices = [
        [*inner, possible[-1]] for size in range(num_buckets) for inner in itertools.combinations(possible[:-1], size)
    ]
    assert padded_area(widths, edges) == min(padded_area(widths, choice) for choice in choices)


def test_padding_of_a_wide_histogram_stays_under_five_percent() -> None:
    widths = {
        width: 1 + min(width - 20, 420 - width) for width in range(20, 421)
    }  # lines of 20 to 420 px, most in the middle
    edges = [bucket.width_px for bucket in plan_buckets(widths, 64)]
    own = sum(width * lines for width, lines in widths.items())
    assert len(edges) == 24
    assert 1 - own / padded_area(widths, edges) < 0.05


def test_batches_of_all_buckets_have_about_the_same_area() -> None:
    widths = {width: 10 for width in range(20, 421)}
    areas = [bucket.width_px * bucket.batch_size for bucket in plan_buckets(widths, 64)]
    assert max(areas) / min(areas) < 1.2


# Batches


def test_a_batch_holds_the_lines_padded_on_the_right_with_paper(dataset: Path) -> None:
    texts = {f"train-{index:09d}": text for index, text in enumerate(TRAIN)}
    seen = 0
    for batch in load(dataset).batches(seed=1):
        num_lines, height, width, channels = batch["image"].shape
        assert (height, channels, width % WIDTH_MULTIPLE) == (32, 1, 0)
        assert batch["image"].dtype == np.uint8
        assert {batch[name].dtype for name in ("width", "label", "label_length")} == {np.dtype(np.int32)}
        assert batch["label"].shape == (num_lines, batch["label_length"].max())
        for row in range(num_lines):
            text = texts[batch["id"][row]]
            line = draw_line(text)
            assert batch["width"][row] == line.shape[1]
            assert np.array_equal(batch["image"][row, :, : line.shape[1], 0], line)
            assert (batch["image"][row, :, line.shape[1] :] == PAPER).all()
            assert batch["label_length"][row] == len(text)
            assert batch["label"][row, : len(text)].tolist() == [int(digit) for digit in text]
            assert (batch["label"][row, len(text) :] == -1).all()
            seen += 1
    assert seen == len(TRAIN)


def test_the_charset_is_that_of_the_reader_not_of_the_dataset(dataset: Path) -> None:
    plain = next(load(dataset).batches())
    turned = next(load(dataset, characters="-9876543210").batches())
    own = plain["label"] >= 0
    assert np.array_equal(turned["label"][own], 10 - plain["label"][own])


def test_both_formats_give_the_same_batches_in_the_same_order(dataset: Path, small_windows: None) -> None:
    for seed, epoch in ((None, 0), (1, 0), (1, 3)):
        left, right = (list(load(dataset, file_format=name).batches(seed, epoch)) for name in FORMATS)
        assert_same(left, right)


@pytest.mark.parametrize("channels", [1, 3])
def test_raw_and_png_shards_give_the_same_pixels(channels: int, tmp_path: Path) -> None:
    folders = [
        write_dataset(tmp_path / encoding, {"train": TRAIN[:40]}, encoding=encoding, channels=channels)
        for encoding in ("raw", "png")
    ]
    loaders = [load(folder, file_format=name) for folder in folders for name in FORMATS]
    first, *others = [list(each.batches(seed=5)) for each in loaders]
    assert first[0]["image"].shape[-1] == channels
    for other in others:
        assert_same(first, other)


@pytest.mark.parametrize("windows", ["one window", "several windows"])
def test_an_epoch_has_every_line_once_in_as_many_batches_as_counted(
    windows: str, dataset: Path, request: pytest.FixtureRequest
) -> None:
    if windows == "several windows":
        request.getfixturevalue("small_windows")
    loader = load(dataset)
    for seed, epoch in ((None, 0), (1, 0), (1, 1), (2, 0), (2**40 + 1, 7)):
        batches = ids(list(loader.batches(seed, epoch)))
        assert Counter(itertools.chain(*batches)) == Counter(f"train-{index:09d}" for index in range(len(TRAIN)))
        assert len(batches) == loader.count(seed, epoch)


def test_small_windows_are_several(dataset: Path, small_windows: None) -> None:
    """Else the tests with several windows would test one."""
    assert len(load(dataset)._windows(1, 0)) >= 3


def test_epochs_differ_and_a_seed_repeats(dataset: Path, small_windows: None) -> None:
    orders = {
        (seed, epoch): json.dumps(ids(list(load(dataset).batches(seed, epoch))))
        for seed in (1, 2, 2**32 - 1)
        for epoch in (0, 1, 2)
    }
    assert len(set(orders.values())) == len(orders)
    assert orders[1, 2] == json.dumps(ids(list(load(dataset).batches(1, 2))))


def test_shuffling_changes_who_stands_beside_whom(dataset: Path) -> None:
    """Not only the order of fixed batches."""
    first, second = (
        {frozenset(batch) for batch in ids(list(load(dataset).batches(1, epoch))) if len(batch) > 2} for epoch in (0, 1)
    )
    assert len(first & second) < len(first) / 4


def test_without_a_seed_the_order_is_that_of_the_file(dataset: Path) -> None:
    loader = load(dataset, "val", batch_size=10_000)
    assert all(batch == sorted(batch) for batch in ids(list(loader.batches())))
    assert_same(list(loader.batches()), list(loader.batches(epoch=1)))


def test_skip_goes_on_with_the_very_next_batch(dataset: Path, small_windows: None) -> None:
    loader = load(dataset)
    whole = list(loader.batches(3, 1))
    for skip in range(len(whole) + 1):
        assert_same(list(load(dataset).batches(3, 1, skip)), whole[skip:])


def test_skipping_reads_only_the_windows_that_are_needed(
    dataset: Path, small_windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = load(dataset)
    read: list[object] = []
    original = Loader._read_window
    monkeypatch.setattr(Loader, "_read_window", lambda self, parts: read.append(parts) or original(self, parts))
    list(loader.batches(3, 0, skip=loader.count(3, 0) - 1))
    assert len(read) == 1


def test_padding_share_is_that_of_the_batches(dataset: Path) -> None:
    loader = load(dataset, batch_size=4)
    padded = own = 0
    for batch in loader.batches(seed=1):
        padded += batch["image"].shape[0] * batch["image"].shape[2]
        own += int(batch["width"].sum())
    assert loader.padding_share == pytest.approx(1 - own / padded)


# Mixtures


@pytest.fixture(scope="module")
def other_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 lines more, whose ids begin with `more`."""
    samples = make_samples("more", numbers(60, seed=9))
    return write_dataset(tmp_path_factory.mktemp("loader") / "more", {"train": samples})


def test_a_mixture_has_every_line_of_each_dataset_once(dataset: Path, other_dataset: Path) -> None:
    mixture = Mixture([load(dataset), load(other_dataset)])
    assert mixture.num_samples == 170
    for seed, epoch in ((None, 0), (1, 0), (1, 1)):
        batches = ids(list(mixture.batches(seed, epoch)))
        assert len(batches) == mixture.count(seed, epoch)
        counts = Counter(itertools.chain(*batches))
        assert set(counts.values()) == {1}
        assert Counter(name.split("-")[0] for name in counts) == {"train": 110, "more": 60}


def test_a_mixture_is_stirred_and_the_same_for_the_same_seed(dataset: Path, other_dataset: Path) -> None:
    mixture = Mixture([load(dataset), load(other_dataset)])
    owners = {e: "".join(batch[0][0] for batch in ids(list(mixture.batches(1, e)))) for e in (0, 1)}
    assert "mt" in owners[0].strip("m")  # they alternate, one does not follow the other
    assert owners[0] != owners[1]
    again = Mixture([load(dataset), load(other_dataset)])
    assert_same(list(mixture.batches(1, 0)), list(again.batches(1, 0)))


def test_skip_in_a_mixture_goes_on_with_the_very_next_batch(
    dataset: Path, other_dataset: Path, small_windows: None
) -> None:
    mixture = Mixture([load(dataset), load(other_dataset)])
    for seed in (None, 4):
        whole = list(mixture.batches(seed, 0))
        for skip in range(0, len(whole) + 1, 3):
            assert_same(list(mixture.batches(seed, 0, skip)), whole[skip:])


@pytest.mark.parametrize("odd", [{"height": 48}, {"channels": 3}])
def test_images_of_another_shape_cannot_be_mixed(odd: dict[str, int], dataset: Path, tmp_path: Path) -> None:
    other = write_dataset(tmp_path / "odd", {"train": ["1", "2"]}, **odd)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="they cannot be mixed"):
        Mixture([load(dataset), load(other)])


# tf.data


def test_tf_data_gives_the_same_batches_and_goes_on_epoch_by_epoch(dataset: Path) -> None:
    loader = load(dataset)
    batches = to_tf_dataset(loader, seed=1, epoch=2, skip=3)
    for epoch, skip in ((2, 3), (3, 0), (4, 0)):
        got = [{name: value.numpy() for name, value in batch.items()} for batch in batches]
        for batch in got:
            batch["id"] = np.array([name.decode() for name in batch["id"]], object)
        assert_same(got, list(loader.batches(1, epoch, skip)))


def test_tf_data_of_a_validation_repeats_itself(dataset: Path) -> None:
    batches = to_tf_dataset(load(dataset, "val"))
    first, second = ([batch["id"].numpy().tolist() for batch in batches] for _ in range(2))
    assert first == second


def test_an_error_of_the_loader_shows_in_tf_data(dataset: Path) -> None:
    with pytest.raises(tf.errors.OpError, match=r"UserError: .*sample train-\d{9}: the charset lacks"):
        list(to_tf_dataset(load(dataset, characters="01234"), seed=1))


# Damage and misfits


def test_a_character_outside_the_charset_names_the_sample(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"train": ["12", "1€4", "3"]}, charset="12345€")
    for file_format in FORMATS:
        with pytest.raises(UserError, match=r"sample train-000000001: the charset lacks '€' \(U\+20AC\) of '1€4'"):
            list(load(folder, characters="12345", file_format=file_format).batches())


@pytest.mark.parametrize("text", ["e\u0301", "𝟙", "1\u0301"])
def test_no_odd_character_passes_as_padding(text: str, tmp_path: Path) -> None:
    """A decomposed accent is composed or refused; a label never holds the -1 of the padding."""
    folder = write_dataset(tmp_path / "d", {"train": ["12", "1" + text + "2"]})
    try:
        batches = list(load(folder, characters="12é").batches())
    except UserError as error:
        assert "sample train-000000001" in str(error)
        return
    for batch in batches:
        for label, length in zip(batch["label"], batch["label_length"], strict=True):
            assert label[:length].min() >= 0
            assert (label[length:] == -1).all()


@pytest.mark.parametrize(
    ("text", "steps"),
    [("1", 1), ("123", 3), ("1111", 7), ("1121", 5), ("1221", 5)],
)
def test_a_label_that_does_not_fit_names_the_sample(text: str, steps: int, tmp_path: Path) -> None:
    assert ctc_steps(text) == steps
    folder = write_dataset(tmp_path / "d", {"train": ["1", text, "1"]})
    enough = load(folder, time_steps=lambda width_px: steps)
    assert sum(len(batch["id"]) for batch in enough.batches()) == 3
    if steps == 1:
        return
    short = load(folder, time_steps=lambda width_px: steps - 1)
    with pytest.raises(UserError, match=f"sample train-000000001: its label '{text}' needs {steps} time steps"):
        list(short.batches())
    assert sum(len(batch["id"]) for batch in load(folder, time_steps=None).batches()) == 3


def test_an_empty_label_names_the_sample(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"train": ["1", "", "1"]})
    with pytest.raises(UserError, match="sample train-000000001"):
        list(load(folder).batches())


@pytest.mark.parametrize(
    ("split", "arguments", "message"),
    [
        ("validation", {}, "has no samples in split 'validation'; it has train, val"),
        ("train", {"file_format": "tfrecord"}, "has no tfrecord files; it has hdf5"),
    ],
)
def test_what_is_not_there_is_named(split: str, arguments: dict[str, str], message: str, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"train": ["1"], "val": ["2"]}, formats=["hdf5"])
    with pytest.raises(UserError, match=message):
        load(folder, split, **arguments)


def test_a_folder_without_a_manifest_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no dataset: it has no manifest\.json"):
        load(tmp_path)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_missing_or_cut_shard_is_named_before_anything_is_read(file_format: str, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"train": TRAIN}, formats=[file_format])
    path = sorted(folder.glob("train-00002*"))[0]
    data = path.read_bytes()
    path.write_bytes(data[:-100])
    with pytest.raises(UserError, match=rf"{path.name}: expected {len(data)} bytes, found {len(data) - 100}; "):
        load(folder)
    path.unlink()
    with pytest.raises(UserError, match=rf"{path.name}: is missing; "):
        load(folder)


@pytest.mark.parametrize("what", ["pixels", "id", "text"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_a_flipped_byte_names_the_shard(file_format: str, what: str, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"train": [*TRAIN, "20471"]}, formats=[file_format])
    path = sorted(folder.glob("train-00004*"))[0]
    pattern = {"pixels": draw_line("20471").tobytes(), "id": b"train-000000110", "text": b"20471"}[what]
    flip_byte(path, path.read_bytes().index(pattern) + len(pattern) // 2)
    with pytest.raises(UserError, match=rf"{path.name}: is damaged") as raised:
        list(load(folder).batches(seed=1))
    assert "\n" not in str(raised.value)
    assert "ocrlib verify" in str(raised.value)


def test_a_file_cut_at_a_record_boundary_is_noticed_even_with_its_size_mended(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"train": TRAIN[:10]}, formats=["tfrecord"])
    shorter = write_dataset(tmp_path / "shorter", {"train": TRAIN[:9]}, formats=["tfrecord"])
    name = "train-00000-of-00001.tfrecord"
    data = (shorter / name).read_bytes()
    assert (folder / name).read_bytes().startswith(data)
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["splits"]["train"]["shards"][0]["files"]["tfrecord"]["bytes"] = len(data)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=rf"{name}: expected 10 samples, found 9"):
        list(load(folder).batches())


def test_two_runs_may_read_one_dataset_at_a_time(dataset: Path) -> None:
    first, second = (load(dataset, file_format="hdf5").batches(seed=1) for _ in range(2))
    together = list(zip(first, second, strict=True))
    assert_same([left for left, _ in together], [right for _, right in together])
