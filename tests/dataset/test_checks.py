"""What a shard holds is compared with its manifest whenever it is read, whatever the hashes say."""

import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import google_crc32c
import h5py
import numpy as np
import pytest

import ocrlib
from ocrlib.dataset import hdf5, tfrecord
from ocrlib.dataset.card.card import write_card
from ocrlib.dataset.checks import NotAnnounced
from ocrlib.dataset.framing import TruncatedRecord
from ocrlib.dataset.manifest import read_manifest
from ocrlib.dataset.sample import decode_image, encode_image
from ocrlib.dataset.shards import read_samples, shard_columns
from ocrlib.errors import UserError
from tests.generating import problems_of
from tests.training_fixtures import manifest_values, numbers, write_dataset


@pytest.fixture(params=["tfrecord", "hdf5"])
def one_shard(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A dataset of one split and one shard, in one format."""
    return write_dataset(tmp_path / "d", {"test": numbers(6)}, formats=(request.param,))


def set_widths(folder: Path, change: Callable[[dict[str, int]], dict[str, int]]) -> None:
    """Edits the table of widths in the manifest, and leaves its sum as it is."""
    values = manifest_values(folder)
    shard = values["splits"]["test"]["shards"][0]
    shard["widths"] = change(shard["widths"])
    (folder / "manifest.json").write_text(json.dumps(values))


def test_a_wrong_width_table_is_found_by_verify_and_by_every_reader(one_shard: Path) -> None:
    """It decides into which bucket a line goes: with `{"8": 6}` no line was seen at all, and the CER was 0."""
    set_widths(one_shard, lambda widths: {"8": 6})
    (problem,) = problems_of(one_shard)
    assert "has 0 lines that are 8 pixels wide; the manifest says 6" in problem
    with pytest.raises(UserError, match="has 0 lines that are 8 pixels wide; the manifest says 6"):
        write_card(one_shard)
    with pytest.raises(UserError, match="has 0 lines that are 8 pixels wide; the manifest says 6"):
        list(ocrlib.load(one_shard, "test"))


def test_a_changed_manifest_is_refused_by_its_checksum(one_shard: Path) -> None:
    path = one_shard / "manifest.json"
    text = path.read_text()
    path.write_text(text.replace('"name": "d"', '"name": "e"'))
    with pytest.raises(UserError, match="changed since it was written"):
        read_manifest(one_shard)
    path.write_text(" " + text)  # another layout of the same values
    assert read_manifest(one_shard).name == "d"


def test_a_manifest_of_an_earlier_version_has_no_checksum_and_is_read(one_shard: Path) -> None:
    (one_shard / "manifest.json").write_text(json.dumps(manifest_values(one_shard)))
    assert read_manifest(one_shard).name == "d"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda values: values.update(recipe={}), "must be a recipe: text: Field required"),
        (lambda values: values["recipe"].update(render={"fonts": 3}), "must be a recipe: render.fonts"),
        (lambda values: values["recipe"].update(render={"degrade": {"jpeg": []}}), "must be a recipe: render.degrade"),
        (lambda values: values.update(fonts={"used": "all"}), "must hold the lists"),
        (lambda values: values.update(charset="aa"), "names each character once"),
        (lambda values: values.update(charset="\x1b"), "holds printable characters only"),
        (lambda values: values["image"].update(height=10**9), "height must be less than or equal to 4096"),
        (lambda values: values.update(fingerprint="\x1b[2J"), "must match pattern"),
        (lambda values: values.update(environment={"python": 3}), "must be a valid string"),
        (lambda values: values["splits"]["test"]["shards"][0].update(widths={"99999999": 6}), "65536"),
        (lambda values: values["splits"].update({"../x": values["splits"]["test"]}), "must be a name of letters"),
        (lambda values: values["splits"].update({"a\n- b": values["splits"]["test"]}), "must be a name of letters"),
        (lambda values: values["splits"]["test"]["shards"][0].update(stem="../x"), "must be the name of a file"),
        (lambda values: values["splits"]["test"]["shards"][0].update(stem=".work"), "ocrlib's own files"),
        (
            lambda values: values["splits"]["test"]["shards"][0]["files"]["hdf5"].update(name="Manifest.json"),
            "ocrlib's own files",
        ),
        (lambda values: values["splits"].update(val=values["splits"]["test"]), "twice"),
    ],
)
def test_what_a_manifest_says_is_checked_when_it_is_read(
    tmp_path: Path, change: Callable[[Any], None], complaint: str
) -> None:
    folder = write_dataset(tmp_path / "d", {"test": numbers(6)})
    values = manifest_values(folder)
    change(values)
    (folder / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(UserError) as caught:
        read_manifest(folder)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["manifest.json", "test-00000-of-00001.h5"])
def test_a_link_in_the_place_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_dataset(tmp_path / "d", {"test": numbers(6)}, formats=("hdf5",))
    shutil.move(folder / name, tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(UserError, match="is a symbolic link"):
        list(ocrlib.load(folder, "test"))


# TFRecord


def framed(payload: bytes, length: int | None = None) -> bytes:
    """A record whose checksums are right, whatever length its header tells."""

    def crc(data: bytes) -> bytes:
        value = google_crc32c.value(data)
        return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    header = struct.pack("<Q", len(payload) if length is None else length)
    return header + crc(header) + payload + crc(payload)


@pytest.mark.parametrize("length", [2**60, 2**64 - 1, 2**63, 10**6])
def test_a_length_that_reaches_behind_the_file_is_found(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.tfrecord"
    path.write_bytes(framed(b"x", length))
    with pytest.raises(TruncatedRecord, match="record at byte 0 is damaged or cut"):
        tfrecord.read_columns(path, ["id"])


@pytest.mark.parametrize(
    "payload", [b"", b"\x0a", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x0a\x7fabc"]
)
def test_a_record_that_is_no_example_behind_a_right_checksum(tmp_path: Path, payload: bytes) -> None:
    path = tmp_path / "a.tfrecord"
    path.write_bytes(framed(payload))
    with pytest.raises((TruncatedRecord, KeyError)):
        tfrecord.read_columns(path, ["id", "width"])


def test_every_cut_of_an_example_behind_a_right_checksum_is_found(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"test": ["1"]}, formats=("tfrecord",))
    path = folder / "test-00000-of-00001.tfrecord"
    payload = path.read_bytes()[12:-4]
    for length in range(0, len(payload), 7):
        path.write_bytes(framed(payload[:length]))
        with pytest.raises((TruncatedRecord, KeyError)):
            tfrecord.read_columns(path, ["pixels", "offsets", "id", "text", "width", "font", "blur_px"])


# HDF5


def rewrite(path: Path, name: str, change: Callable[[h5py.File, np.ndarray], None]) -> None:
    """Replaces one column of an HDF5 shard."""
    with h5py.File(path, "r+") as file:
        old = file[name][:]
        del file[name]
        change(file, old)


def _external(file: h5py.File, old: np.ndarray) -> None:
    file["text"] = h5py.ExternalLink("other.h5", "text")


def _virtual(file: h5py.File, old: np.ndarray) -> None:
    layout = h5py.VirtualLayout(shape=old.shape, dtype=old.dtype)
    layout[:] = h5py.VirtualSource("other.h5", "text", shape=old.shape, dtype=old.dtype)
    file.create_virtual_dataset("text", layout)


def _stored_elsewhere(file: h5py.File, old: np.ndarray) -> None:
    file.create_dataset("text", shape=old.shape, dtype=old.dtype, external=[("/etc/passwd", 0, old.nbytes)])


def _soft_link(file: h5py.File, old: np.ndarray) -> None:
    file["text"] = h5py.SoftLink("/id")


def _bomb(file: h5py.File, old: np.ndarray) -> None:
    file.create_dataset("text", shape=(10**12,), dtype="S8", chunks=(4096,))


def _too_many(file: h5py.File, old: np.ndarray) -> None:
    file.create_dataset("text", data=np.array([b"1"] * 50_000, h5py.string_dtype("utf-8", 1)))


def _compressed(file: h5py.File, old: np.ndarray) -> None:
    file.create_dataset("text", data=old, compression="gzip")


def _group(file: h5py.File, old: np.ndarray) -> None:
    file.create_group("text")


def _numbers(file: h5py.File, old: np.ndarray) -> None:
    file.create_dataset("text", data=np.zeros(len(old)))


def _table(file: h5py.File, old: np.ndarray) -> None:
    file.create_dataset("text", data=old.reshape(2, -1))


def _not_utf8(file: h5py.File, old: np.ndarray) -> None:
    file.create_dataset("text", data=np.array([b"\xff"] * len(old), h5py.string_dtype("utf-8", 1)))


@pytest.mark.parametrize(
    "change",
    [
        _external,
        _virtual,
        _stored_elsewhere,
        _soft_link,
        _bomb,
        _too_many,
        _compressed,
        _group,
        _numbers,
        _table,
        _not_utf8,
    ],
)
def test_hdf5_is_read_only_where_it_is_plain_and_whole(
    tmp_path: Path, change: Callable[[h5py.File, np.ndarray], None]
) -> None:
    folder = write_dataset(tmp_path / "d", {"test": numbers(6)}, formats=("hdf5",))
    path = folder / "test-00000-of-00001.h5"
    shutil.copy(path, folder / "other.h5")
    rewrite(path, "text", change)
    with pytest.raises((ValueError, OSError)):
        hdf5.read_columns(path, ["text"])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("offsets", lambda old: old[::-1].copy()),
        ("offsets", lambda old: np.concatenate([old[:-1], [2**62]])),
        ("offsets", lambda old: old - 1),
        ("width", lambda old: old + 1),
        ("width", lambda old: old[:-1]),
        ("blur_px", lambda old: np.full_like(old, np.nan)),
        ("text", lambda old: np.array([b""] * len(old), h5py.string_dtype("utf-8", 1))),
        ("text", lambda old: np.array([b"1\n2"] * len(old), h5py.string_dtype("utf-8", 3))),
        ("text", lambda old: np.array(["1\u2028".encode()] * len(old), h5py.string_dtype("utf-8", 4))),
        ("id", lambda old: np.array([b"../%d" % i for i in range(len(old))], h5py.string_dtype("utf-8", 9))),
        ("id", lambda old: np.array([b"/tmp/%d" % i for i in range(len(old))], h5py.string_dtype("utf-8", 9))),
        ("id", lambda old: np.array([b"a\t%d" % i for i in range(len(old))], h5py.string_dtype("utf-8", 9))),
        ("id", lambda old: np.array([b".%d" % i for i in range(len(old))], h5py.string_dtype("utf-8", 9))),
        ("id", lambda old: np.array([b"same"] * len(old), h5py.string_dtype("utf-8", 4))),
        ("id", lambda old: np.array([b"a" * 101] * len(old), h5py.string_dtype("utf-8", 101))),
    ],
)
def test_columns_that_contradict_the_manifest_are_refused(
    tmp_path: Path, name: str, values: Callable[[np.ndarray], np.ndarray]
) -> None:
    folder = write_dataset(tmp_path / "d", {"test": numbers(6)}, formats=("hdf5",))
    manifest = read_manifest(folder)
    (shard,) = manifest.shards
    path = folder / "test-00000-of-00001.h5"

    def replaced(file: h5py.File, old: np.ndarray) -> None:
        file.create_dataset(name, data=values(old))

    rewrite(path, name, replaced)
    entry = with_its_size(shard, path)
    with pytest.raises(NotAnnounced):
        read_samples(folder, entry, "hdf5", manifest.image)
    with pytest.raises(UserError):
        shard_columns(folder, entry, manifest.image, ["pixels", "offsets", "id", "text", "width", "blur_px"])


def with_its_size(shard: Any, path: Path) -> Any:
    """The entry of a shard whose file was changed on purpose, with its new size."""
    return replace(shard, files={"hdf5": replace(shard.files["hdf5"], bytes=path.stat().st_size)})


# PNG


@pytest.mark.parametrize(
    ("image", "height", "channels"),
    [
        (np.zeros((32, 70_000), np.uint8), 32, 1),
        (np.zeros((16, 40), np.uint8), 32, 1),
        (np.zeros((32, 40), np.uint8), 32, 3),
    ],
    ids=["too wide", "another height", "another kind"],
)
def test_a_stored_png_of_another_shape_is_refused_before_it_is_decoded(
    image: np.ndarray, height: int, channels: int
) -> None:
    with pytest.raises(ValueError, match="pixels of kind L"):
        decode_image(encode_image(image, "png"), "png", height, channels)


@pytest.mark.parametrize("stored", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_no_png_is_a_value_error(stored: bytes) -> None:
    with pytest.raises(ValueError, match="is no PNG"):
        decode_image(stored, "png", 32, 1)
