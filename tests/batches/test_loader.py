"""Shards to batches: each line comes once and unchanged, and an error names the damaged shard."""

import hashlib
import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ocrlib.batches.loader import Loader
from ocrlib.batches.padding import PAPER, WIDTH_MULTIPLE
from ocrlib.ctc import ctc_steps, time_steps
from ocrlib.errors import UserError
from tests.batches.samples import assert_same, ids, load
from tests.dataset.samples import make_sample
from tests.training_fixtures import draw_line, flip_byte, manifest_values, numbers, write_dataset

TRAIN = numbers(110, seed=1)
FORMATS = ["tfrecord", "hdf5"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """110 lines for training in 5 shards, 30 for validation in 2."""
    return write_dataset(tmp_path_factory.mktemp("loader") / "digits", {"train": TRAIN, "val": numbers(30, seed=2)})


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


def test_labels_use_the_charset_of_the_reader_not_of_the_dataset(dataset: Path) -> None:
    plain = next(load(dataset).batches())
    turned = next(load(dataset, characters="-9876543210").batches())
    own = plain["label"] >= 0
    assert np.array_equal(turned["label"][own], 10 - plain["label"][own])


@pytest.mark.usefixtures("small_windows")
def test_both_formats_give_the_same_batches_in_the_same_order(dataset: Path) -> None:
    for seed, epoch in ((None, 0), (1, 0), (1, 3)):
        left, right = (list(load(dataset, file_format=name).batches(seed, epoch)) for name in FORMATS)
        assert_same(left, right)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("file_format", FORMATS)
def test_the_batches_of_a_run_are_those_that_they_were_byte_for_byte(file_format: str, tmp_path: Path) -> None:
    """A run that a newer version resumes goes on with the same lines; the hash is of version 0.1."""
    samples = [make_sample(index, text=f"{index}", width=5 + 7 * (index % 40)) for index in range(90)]
    folder = write_dataset(tmp_path / "d", {"train": samples})
    found = hashlib.sha256()
    for batch in itertools.chain(load(folder, file_format=file_format).batches(7, 1), load(folder).batches()):
        for name in ("image", "width", "label", "label_length"):
            found.update(f"{batch[name].shape} {batch[name].dtype}".encode() + batch[name].tobytes())
        found.update("".join(batch["id"]).encode())
    assert found.hexdigest() == "a251a800041bc1995b54594562b6eef5b777dda64a63c3546108e7c147668c5d"


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


@pytest.mark.usefixtures("small_windows")
def test_a_run_can_begin_with_short_lines(dataset: Path) -> None:
    plain, sorted_ = (load(dataset, short_first=short) for short in (False, True))
    batches = list(sorted_.batches(seed=1))
    (first, *_), num_first = sorted_._windows(1, 0), sorted_._count_window(sorted_._windows(1, 0)[0])
    assert len(first) and 1 < num_first < len(batches)
    widths = [batch["image"].shape[2] for batch in batches[:num_first]]
    assert widths == sorted(widths) and widths[0] < widths[-1]
    assert_same(batches[num_first:], list(plain.batches(seed=1))[num_first:])  # later windows stay as they were
    assert_same(list(sorted_.batches(seed=1, skip=2)), batches[2:])  # and a resumed run continues where it stopped
    for seed, epoch in ((1, 1), (None, 0)):
        assert_same(list(sorted_.batches(seed, epoch)), list(plain.batches(seed, epoch)))


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


@pytest.mark.usefixtures("small_windows")
def test_small_windows_are_several(dataset: Path) -> None:
    """The tests that need several windows rely on this."""
    assert len(load(dataset)._windows(1, 0)) >= 3


@pytest.mark.usefixtures("small_windows")
def test_epochs_differ_and_a_seed_repeats(dataset: Path) -> None:
    orders = {
        (seed, epoch): json.dumps(ids(list(load(dataset).batches(seed, epoch))))
        for seed in (1, 2, 2**32 - 1)
        for epoch in (0, 1, 2)
    }
    assert len(set(orders.values())) == len(orders)
    assert orders[1, 2] == json.dumps(ids(list(load(dataset).batches(1, 2))))


def test_lines_of_a_shard_are_shuffled_and_not_only_their_batches(tmp_path: Path) -> None:
    loader = load(write_dataset(tmp_path / "d", {"train": TRAIN}, shard_samples=1000))
    first, second = (
        {frozenset(batch) for batch in ids(list(loader.batches(1, epoch))) if len(batch) > 2} for epoch in (0, 1)
    )
    assert len(first & second) < len(first) / 4


def test_batches_do_not_come_sorted_by_width(dataset: Path) -> None:
    widths = [batch["image"].shape[2] for batch in load(dataset).batches(1, 0)]
    assert widths != sorted(widths)


@pytest.mark.usefixtures("small_windows")
def test_shards_come_in_another_order_each_epoch(dataset: Path) -> None:
    loader = load(dataset)
    first = {ids(list(loader.batches(1, epoch)))[0][0] for epoch in range(8)}
    assert len({int(name.split("-")[1]) // 25 for name in first}) > 2  # a shard has 25 lines, a window two shards


def test_without_a_seed_lines_keep_the_order_of_the_file(dataset: Path) -> None:
    loader = load(dataset, "val", batch_size=10_000)
    assert all(batch == sorted(batch) for batch in ids(list(loader.batches())))
    assert_same(list(loader.batches()), list(loader.batches(epoch=1)))


@pytest.mark.usefixtures("small_windows")
def test_skip_goes_on_with_the_very_next_batch(dataset: Path) -> None:
    loader = load(dataset)
    whole = list(loader.batches(3, 1))
    for skip in range(len(whole) + 1):
        assert_same(list(load(dataset).batches(3, 1, skip)), whole[skip:])


@pytest.mark.usefixtures("small_windows")
def test_skipping_reads_only_the_windows_that_are_needed(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = load(dataset)
    read: list[object] = []
    original = Loader._read_window
    monkeypatch.setattr(Loader, "_read_window", lambda self, *args: read.append(args) or original(self, *args))
    list(loader.batches(3, 0, skip=loader.count(3, 0) - 1))
    assert len(read) == 1


def test_the_share_of_padding_is_that_of_the_batches(dataset: Path) -> None:
    loader = load(dataset, batch_size=4)
    padded = own = 0
    for batch in loader.batches(seed=1):
        padded += batch["image"].shape[0] * batch["image"].shape[2]
        own += int(batch["width"].sum())
    assert loader.padding_share == pytest.approx(1 - own / padded)


# Damaged shards, and lines that cannot be trained on


def test_a_character_outside_the_charset_names_the_sample(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"train": ["12", "1€4", "3"]}, charset="12345€")
    for file_format in FORMATS:
        with pytest.raises(UserError, match=r"sample train-000000001: the charset lacks '€' \(U\+20AC\) of '1€4'"):
            list(load(folder, characters="12345", file_format=file_format).batches())


@pytest.mark.parametrize("text", ["e\u0301", "𝟙", "1\u0301"])
def test_no_unusual_character_is_encoded_as_padding(text: str, tmp_path: Path) -> None:
    """A decomposed accent is composed or refused; a label never contains -1, which stands for padding."""
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


def stride_for(text: str, steps: int) -> int:
    """The smallest stride that gives the drawn text just so many time steps."""
    width = draw_line(text).shape[1]
    return next(stride for stride in range(1, width + 1) if time_steps(width, stride) == steps)


@pytest.mark.parametrize(
    ("text", "steps"),
    [("1", 1), ("123", 3), ("1111", 7), ("1121", 5), ("1221", 5)],
)
def test_a_label_that_does_not_fit_names_the_sample(text: str, steps: int, tmp_path: Path) -> None:
    assert ctc_steps(text) == steps
    folder = write_dataset(tmp_path / "d", {"train": ["1", text, "1"]})
    enough = load(folder, stride=stride_for(text, steps))
    assert sum(len(batch["id"]) for batch in enough.batches()) == 3
    if steps == 1:
        return
    short = load(folder, stride=stride_for(text, steps - 1))
    with pytest.raises(UserError, match=f"sample train-000000001: its label '{text}' needs {steps} time steps"):
        list(short.batches())
    assert sum(len(batch["id"]) for batch in load(folder, stride=None).batches()) == 3


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


def test_a_file_cut_at_a_record_boundary_is_noticed_even_if_the_manifest_has_its_size(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"train": TRAIN[:10]}, formats=["tfrecord"])
    shorter = write_dataset(tmp_path / "shorter", {"train": TRAIN[:9]}, formats=["tfrecord"])
    name = "train-00000-of-00001.tfrecord"
    data = (shorter / name).read_bytes()
    assert (folder / name).read_bytes().startswith(data)
    (folder / name).write_bytes(data)
    manifest = manifest_values(folder)
    manifest["splits"]["train"]["shards"][0]["files"]["tfrecord"]["bytes"] = len(data)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=rf"{name}: expected 10 samples, found 9"):
        list(load(folder).batches())


def test_two_runs_can_read_one_dataset_at_the_same_time(dataset: Path) -> None:
    first, second = (load(dataset, file_format="hdf5").batches(seed=1) for _ in range(2))
    together = list(zip(first, second, strict=True))
    assert_same([left for left, _ in together], [right for _, right in together])
