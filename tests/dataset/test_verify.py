"""verify: it finds every kind of difference between a dataset and its manifest."""

import hashlib
import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from ocrlib.dataset.manifest import read_manifest
from ocrlib.dataset.shards import FORMATS, check_files, read_samples, sha256_of
from ocrlib.dataset.verify import verify_splits
from ocrlib.factory.repair import rerender
from tests.generating import problems_of
from tests.programs import run_program
from tests.training_fixtures import flip_byte, manifest_values, write_dataset


def own_up(folder: Path, stem: str, file_format: str) -> None:
    """Writes a changed file's size and hash into the manifest, so that only its content is wrong."""
    path = folder / "manifest.json"
    values = manifest_values(folder)
    for split in values["splits"].values():
        for shard in split["shards"]:
            if shard["stem"] == stem:
                file = shard["files"][file_format]
                data = (folder / file["name"]).read_bytes()
                file.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    path.write_text(json.dumps(values))


def test_an_undamaged_dataset_has_no_problems(tiny_dataset):
    assert problems_of(tiny_dataset) == []


@pytest.mark.parametrize("name", ["train-00001-of-00004.tfrecord", "train-00001-of-00004.h5"])
def test_a_flipped_byte_is_found(tiny_copy, name):
    flip_byte(tiny_copy / name)
    assert problems_of(tiny_copy) == [f"{tiny_copy / name}: its bytes changed since it was written (SHA-256 differs)"]


@pytest.mark.parametrize("name", ["val-00000-of-00001.tfrecord", "val-00000-of-00001.h5"])
def test_a_cut_file_is_found(tiny_copy, name):
    data = (tiny_copy / name).read_bytes()
    (tiny_copy / name).write_bytes(data[:-100])
    assert problems_of(tiny_copy) == [f"{tiny_copy / name}: expected {len(data)} bytes, found {len(data) - 100}"]


def test_a_file_cut_at_a_record_boundary_is_found(tiny_copy):
    path = tiny_copy / "val-00000-of-00001.tfrecord"
    data = path.read_bytes()
    boundary = 16 + struct.unpack("<Q", data[:8])[0]
    path.write_bytes(data[:boundary])
    assert problems_of(tiny_copy) == [f"{path}: expected {len(data)} bytes, found {boundary}"]
    own_up(tiny_copy, "val-00000-of-00001", "tfrecord")
    assert problems_of(tiny_copy) == [f"{path}: expected 20 samples, found 1"]


def test_a_missing_shard_is_found(tiny_copy):
    for ending in (".tfrecord", ".h5"):
        (tiny_copy / f"test-00000-of-00001{ending}").unlink()
    assert problems_of(tiny_copy) == [
        f"{tiny_copy / 'test-00000-of-00001.tfrecord'}: is missing",
        f"{tiny_copy / 'test-00000-of-00001.h5'}: is missing",
    ]


def test_a_changed_count_is_found_even_where_the_manifest_agrees_with_itself(tiny_copy):
    path = tiny_copy / "manifest.json"
    values = manifest_values(tiny_copy)
    shard = values["splits"]["val"]["shards"][0]
    shard["samples"] = values["splits"]["val"]["samples"] = 21
    shard["widths"]["9999"] = 1
    path.write_text(json.dumps(values))
    assert problems_of(tiny_copy) == [
        f"{tiny_copy / 'val-00000-of-00001.tfrecord'}: expected 21 samples, found 20",
        f"{tiny_copy / 'val-00000-of-00001.h5'}: expected 21 samples, found 20",
    ]


@pytest.mark.parametrize("file_format", ["tfrecord", "hdf5"])
@pytest.mark.parametrize("what", ["text", "image", "provenance"])
def test_formats_that_disagree_are_found(tiny_copy, what, file_format):
    manifest = read_manifest(tiny_copy)
    shard = manifest.splits["val"].shards[0]
    samples = read_samples(tiny_copy, shard, file_format, manifest.image)
    changes = {
        "text": {"text": samples[3].text + "0"},
        "image": {"image": 255 - samples[3].image},
        "provenance": {"provenance": samples[3].provenance | {"font": "Other.ttf"}},
    }
    samples[3] = replace(samples[3], **changes[what])
    (tiny_copy / shard.files[file_format].name).write_bytes(FORMATS[file_format].encode_shard(samples, "raw"))
    own_up(tiny_copy, shard.stem, file_format)
    assert problems_of(tiny_copy) == [
        f"{tiny_copy / shard.stem}: sample val-000000003 differs between TFRecord and HDF5"
    ]


@pytest.mark.parametrize("file_format", ["tfrecord", "hdf5"])
def test_a_file_that_was_written_damaged_is_found(tiny_copy, file_format):
    shard = read_manifest(tiny_copy).splits["val"].shards[0]
    path = tiny_copy / shard.files[file_format].name
    path.write_bytes(b"no shard at all")
    own_up(tiny_copy, shard.stem, file_format)
    (problem,) = problems_of(tiny_copy)
    assert problem.startswith(f"{path}: cannot be read: ")


def test_sizes_alone_do_not_see_a_flipped_byte(tiny_copy):
    """Resuming checks sizes first, which is fast; a flipped byte needs the hash."""
    shard = read_manifest(tiny_copy).splits["val"].shards[0]
    flip_byte(tiny_copy / "val-00000-of-00001.h5")
    assert check_files(tiny_copy, shard, hashes=False) == []
    assert len(check_files(tiny_copy, shard, hashes=True)) == 1


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("numeric", []),
        ("wikipedia", ["@: 'ab, c' of val is also in train, but for case and punctuation"]),
    ],
)
def test_sentences_in_two_splits_are_found_and_numbers_may_be(tmp_path, source, expected):
    folder = write_dataset(tmp_path / "d", {"train": ["AB c", "d"], "val": ["ab, c"]}, charset="ABCabcd, ")
    manifest = replace(read_manifest(folder), recipe={"text": {"source": source}})
    assert verify_splits(folder, manifest) == [line.replace("@", str(folder)) for line in expected]


def test_sha256_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_samples_render_to_the_same_bytes_again(tiny_dataset):
    assert rerender(tiny_dataset, read_manifest(tiny_dataset), 12) == []


def test_a_sample_that_renders_otherwise_is_named(tiny_copy):
    manifest = read_manifest(tiny_copy)
    shard = manifest.splits["val"].shards[0]
    samples = read_samples(tiny_copy, shard, "tfrecord", manifest.image)
    samples[3] = replace(samples[3], image=255 - samples[3].image)
    (tiny_copy / shard.files["tfrecord"].name).write_bytes(FORMATS["tfrecord"].encode_shard(samples, "raw"))
    assert rerender(tiny_copy, manifest, 1000) == [
        f"{tiny_copy / shard.stem}: sample val-000000003 renders to other bytes"
    ]


@pytest.mark.parametrize(
    ("damage", "code", "says"),
    [
        (lambda folder: None, 0, "6 shards as the manifest says, 5 samples rendered again to the same bytes"),
        (lambda folder: flip_byte(folder / "val-00000-of-00001.h5"), 1, "1 problem in 6 shards"),
        (lambda folder: (folder / "manifest.json").unlink(), 2, "is no dataset: it has no manifest.json"),
    ],
)
def test_the_command_says_so_and_its_exit_code_too(tiny_copy, damage, code, says):
    damage(tiny_copy)
    outcome = run_program("-m", "ocrlib", "verify", tiny_copy, "--rerender", 5)
    assert outcome.code == code, outcome.stderr
    assert says in (outcome.stderr if code else outcome.stdout)
    assert "Traceback" not in outcome.stderr
