"""A dataset out again in every layout, and in again: the same images and texts."""

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocrlib.ctc import ctc_steps
from ocrlib.dataset.manifest import read_manifest
from ocrlib.dataset.sample import PROVENANCE, Sample, sample_id
from ocrlib.errors import UserError
from ocrlib.imports.unpack import unpack
from ocrlib.imports.writers import WRITERS
from tests.imports.own_lines import import_from, lines_of
from tests.training_fixtures import make_samples, numbers, write_dataset

# What a label may hold: no control characters, no spaces at its ends; the marks that lists are written with, all.
_CHARACTERS = st.sampled_from("abcXYZ0189 ,;:.'\"\\/|#@%&<>{}[]()=+-_*?!~^`$éßŒ“”€–×中日ж")
_TEXTS = st.text(_CHARACTERS, min_size=1, max_size=12).map(str.strip).filter(bool)


@st.composite
def datasets(draw: st.DrawFn) -> tuple[int, dict[str, list[tuple[str, int]]]]:
    """Channels, and for each split (text, seed of a random image)."""
    counts = draw(st.tuples(st.integers(1, 7), st.integers(0, 3), st.integers(0, 3)))
    seeds = iter(range(100))
    splits = {
        name: [(draw(_TEXTS), next(seeds)) for _ in range(count)]
        for name, count in zip(("train", "val", "test"), counts, strict=True)
    }
    return draw(st.sampled_from([1, 3])), splits


def image_of(text: str, seed: int, channels: int) -> np.ndarray:
    """Random pixels, wide enough for the text."""
    random = np.random.default_rng(seed)
    width = max(8, ctc_steps(text) * 4 + int(random.integers(0, 9)))
    return random.integers(0, 256, (32, width) if channels == 1 else (32, width, channels), np.uint8)


def content(folder: Path) -> dict[str, Counter[tuple[str, bytes]]]:
    """{split: its (text, pixels)}, whatever the order."""
    lines = lines_of(folder, read_manifest(folder))
    return {split: Counter((text, pixels) for _, text, pixels in some) for split, some in lines.items() if some}


@pytest.mark.parametrize("layout", WRITERS)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=datasets())
def test_what_was_unpacked_comes_in_again(layout, made):
    channels, lines = made
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = {
            split: [
                Sample(
                    id=sample_id(split, index),
                    text=text,
                    image=image_of(text, seed, channels),
                    provenance={key: kind() for key, kind in PROVENANCE.items()},
                )
                for index, (text, seed) in enumerate(some)
            ]
            for split, some in lines.items()
        }
        write_dataset(folder / "made", samples, channels=channels, shard_samples=3)
        counts, spaces = unpack(folder / "made", layout, folder / "out")
        assert (counts, spaces) == ({split: len(some) for split, some in lines.items() if some}, 0)
        # Of lines that are all in `train` some would be held out, unless none are asked for.
        given = {"render.channels": str(channels)} | ({} if lines["val"] or lines["test"] else {"splits.val": "0"})
        imported = import_from(folder / "out", folder / "again", given)
        assert imported.manifest.rejected == {}
        assert content(folder / "again") == content(folder / "made")


def test_the_card_for_the_hub_tells_splits_and_columns(tmp_path):
    made = write_dataset(tmp_path / "made", {"train": numbers(30), "val": numbers(4, seed=1)})
    unpack(made, "parquet", tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    head = card.split("---\n")[1]
    assert "      - split: train\n        path: data/train-*.parquet\n" in head
    assert "    - name: val\n      num_examples: 4\n" in head
    table = pyarrow.parquet.read_table(tmp_path / "out" / "data" / "train-00000.parquet")
    assert table.column_names == ["image", "text"]
    assert b'"_type": "Image"' in table.schema.metadata[b"huggingface"]
    assert table["image"][0].as_py()["path"] == "train-000000000.png"


def test_spaces_at_the_ends_of_texts_are_counted(tmp_path):
    made = write_dataset(tmp_path / "made", {"train": ["1 ", "2", " 3"]}, charset=" 0123456789")
    assert unpack(made, "pairs", tmp_path / "out") == ({"train": 3}, 2)


def test_a_folder_in_use_is_left_alone(tmp_path):
    made = write_dataset(tmp_path / "made", {"train": numbers(3)})
    with pytest.raises(UserError, match="made: is in use; choose a new folder, or empty it"):
        unpack(made, "csv", made)


@pytest.mark.parametrize("layout", WRITERS)
def test_a_damaged_shard_stops_it_and_leaves_nothing(tmp_path, layout):
    made = write_dataset(tmp_path / "made", {"train": numbers(60)})
    shard = sorted(made.glob("train-00001*"))[0]
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    with pytest.raises(UserError, match="its bytes changed since it was written.*verify"):
        unpack(made, layout, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize("layout", ["pairs", "paddle", "csv"])
def test_a_line_takes_the_place_of_no_other(tmp_path, layout):
    samples = make_samples("train", numbers(60))  # of several shards
    samples[30] = replace(samples[30], id=samples[0].id)
    made = write_dataset(tmp_path / "made", {"train": samples}, formats=["hdf5"])
    with pytest.raises(UserError, match="sample train-000000000: is twice in the dataset"):
        unpack(made, layout, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
