"""TFRecord and HDF5 side by side: what was written is read again, by our readers and by TensorFlow and h5py."""

import random
import struct
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.dataset import hdf5, tfrecord
from ocrlib.dataset.framing import TruncatedRecord, frame
from ocrlib.dataset.manifest import ImageShape
from ocrlib.dataset.sample import PROVENANCE, Sample, decode_image, encode_image, sample_id
from ocrlib.dataset.shards import FORMATS, read_samples, write_shard
from ocrlib.dataset.verify import same_sample
from tests.dataset.samples import make_sample, make_samples

COLUMNS = ["pixels", "offsets", "id", "text", "width", *PROVENANCE]
# What a text may hold: any character but controls, format characters and lone surrogates (see Charset).
TEXTS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=40)


def write(path: Path, file_format: str, samples: Sequence[Sample]) -> Path:
    path.write_bytes(FORMATS[file_format].encode_shard(samples, "raw"))
    return path


def columns_of(path: Path, data: bytes) -> dict[str, np.ndarray]:
    """What a TFRecord file with that content holds."""
    path.write_bytes(data)
    return tfrecord.read_columns(path, COLUMNS)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("encoding", ["raw", "png"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_what_was_written_is_read_again(tmp_path_factory, file_format, encoding, channels):
    folder = tmp_path_factory.mktemp("shards")

    @given(st.lists(st.tuples(TEXTS, st.integers(1, 300)), min_size=1, max_size=5), st.integers(8, 40))
    def round_trip(lines, height):
        samples = [
            make_sample(i, text=text, width=width, height=height, channels=channels)
            for i, (text, width) in enumerate(lines)
        ]
        entry = write_shard(folder, "shard", samples, formats=[file_format], encoding=encoding, rejected={})
        image = ImageShape(height=height, channels=channels, encoding=encoding)
        back = read_samples(folder, entry, file_format, image)
        assert [sample.text for sample in back] == [sample.text for sample in samples]
        assert len(back) == len(samples) and all(map(same_sample, back, samples))
        for sample in back:
            assert sample.image.dtype == np.uint8
            assert {name: type(value) for name, value in sample.provenance.items()} == PROVENANCE

    round_trip()


@pytest.mark.parametrize("name", COLUMNS)
def test_both_formats_give_the_same_columns(tmp_path, name):
    samples = make_samples(9)
    left = tfrecord.read_columns(write(tmp_path / "a.tfrecord", "tfrecord", samples), [name])[name]
    right = hdf5.read_columns(write(tmp_path / "a.h5", "hdf5", samples), [name])[name]
    assert left.tolist() == right.tolist()
    assert left.dtype.kind == right.dtype.kind


@pytest.mark.parametrize("file_format", FORMATS)
def test_columns_hold_what_the_samples_held(tmp_path, file_format):
    samples = make_samples(5)
    columns = FORMATS[file_format].read_columns(write(tmp_path / "shard", file_format, samples), COLUMNS)
    assert columns["text"].tolist() == [sample.text for sample in samples]
    assert columns["width"].tolist() == [1, 14, 27, 40, 53]
    assert columns["seed"].tolist() == [2**63 - 1 - i for i in range(5)]
    assert columns["offsets"].tolist() == [32 * end for end in (0, 1, 15, 42, 82, 135)]
    assert columns["pixels"].tobytes() == b"".join(sample.image.tobytes() for sample in samples)


@pytest.mark.parametrize("file_format", FORMATS)
def test_an_unknown_column_is_an_error(tmp_path, file_format):
    with pytest.raises(KeyError):
        FORMATS[file_format].read_columns(write(tmp_path / "shard", file_format, make_samples(2)), ["colour"])


@pytest.mark.parametrize("encoding", ["raw", "png"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_equal_samples_are_equal_bytes_even_seconds_apart(file_format, encoding):
    first = FORMATS[file_format].encode_shard(make_samples(7), encoding)
    time.sleep(1.1)  # unless told otherwise, HDF5 writes the time in whole seconds
    assert FORMATS[file_format].encode_shard(make_samples(7), encoding) == first


@pytest.mark.parametrize("changed", [{"text": "12.51"}, {"id": sample_id("val", 0)}, {"width": 41}])
@pytest.mark.parametrize("file_format", FORMATS)
def test_other_samples_are_other_bytes(file_format, changed):
    sample = make_sample()
    other = make_sample(width=41) if "width" in changed else replace(sample, **changed)
    assert FORMATS[file_format].encode_shard([sample], "raw") != FORMATS[file_format].encode_shard([other], "raw")


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ({}, {}, True),
        ({"text": "a"}, {"text": "b"}, False),
        ({"width": 40}, {"width": 41}, False),
        ({"channels": 1}, {"channels": 3}, False),
    ],
)
def test_same_sample(left, right, same):
    assert same_sample(make_sample(**left), make_sample(**right)) is same


def test_one_changed_pixel_or_provenance_is_another_sample():
    sample = make_sample()
    image = sample.image.copy()
    image[-1, -1] ^= 1
    assert not same_sample(sample, replace(sample, image=image))
    assert not same_sample(sample, replace(sample, provenance=sample.provenance | {"attempt": 9}))


@pytest.mark.parametrize(
    ("shape", "encoding", "stored_bytes"), [((32, 7), "raw", 224), ((8, 5, 3), "raw", 120), ((32, 7), "png", None)]
)
def test_images_are_stored_by_rows(shape, encoding, stored_bytes):
    image = np.arange(np.prod(shape)).astype(np.uint8).reshape(shape)
    stored = encode_image(image, encoding)
    assert stored_bytes is None or (len(stored) == stored_bytes and stored[:3] == bytes([0, 1, 2]))
    np.testing.assert_array_equal(decode_image(stored, encoding, shape[0], 1 if len(shape) == 2 else 3), image)


@pytest.mark.parametrize(("split", "index", "name"), [("train", 12, "train-000000012"), ("val", 0, "val-000000000")])
def test_sample_ids(split, index, name):
    assert sample_id(split, index) == name


def test_tensorflow_reads_the_tfrecords(tmp_path):
    import tensorflow as tf  # here: TensorFlow takes seconds, and the other tests do not need it

    samples = make_samples(4)
    path = write(tmp_path / "a.tfrecord", "tfrecord", samples)
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(path))]
    assert len(records) == 4
    for record, sample in zip(records, samples, strict=True):
        example = tf.train.Example.FromString(record)
        feature = example.features.feature
        strings = {name: feature[name].bytes_list.value[0].decode() for name in ("id", "text", "font", "source")}
        numbers = {name: feature[name].int64_list.value[0] for name in ("width", "skew_deg", "seed", "attempt")}
        assert strings == {"id": sample.id, "text": sample.text, "font": "Dêjà Vu.ttf", "source": "numeric:amount"}
        assert numbers == {"width": sample.image.shape[1]} | {
            name: sample.provenance[name] for name in list(numbers)[1:]
        }
        assert feature["blur_px"].float_list.value[0] == sample.provenance["blur_px"]
        assert feature["image"].bytes_list.value[0] == sample.image.tobytes()
        assert set(feature) == {"id", "text", "image", "width", *PROVENANCE}
        assert example.SerializeToString(deterministic=True) == record


def test_plain_h5py_reads_the_hdf5(tmp_path):
    samples = make_samples(4, channels=3)
    with h5py.File(write(tmp_path / "a.h5", "hdf5", samples), "r") as file:
        assert dict(file.attrs) == {"encoding": "raw", "height": 32, "channels": 3}
        assert set(file) == set(COLUMNS)
        assert [text.decode() for text in file["text"][:]] == [sample.text for sample in samples]
        for i, sample in enumerate(samples):
            start, stop = file["offsets"][i : i + 2]
            np.testing.assert_array_equal(file["pixels"][start:stop].reshape(sample.image.shape), sample.image)
        assert all(dataset.fletcher32 for dataset in file.values())


def test_every_flipped_byte_of_a_tfrecord_is_noticed(tmp_path):
    data = tfrecord.encode_shard([make_sample(i, width=6, height=8) for i in range(2)], "raw")
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        with pytest.raises(TruncatedRecord, match="at byte [0-9]+ is damaged or cut"):
            columns_of(tmp_path / "a", bytes(damaged))


def test_a_tfrecord_cut_within_a_record_is_noticed(tmp_path):
    data = tfrecord.encode_shard([make_sample(i, width=6, height=8) for i in range(2)], "raw")
    boundary = 16 + struct.unpack("<Q", data[:8])[0]
    for length in range(1, len(data)):
        if length == boundary:
            continue
        with pytest.raises(TruncatedRecord):
            columns_of(tmp_path / "a", data[:length])


def test_a_tfrecord_cut_at_a_record_boundary_is_a_clean_shorter_file(tmp_path):
    """Therefore the manifest counts samples and bytes; see test_verify.py."""
    data = tfrecord.encode_shard([make_sample(i) for i in range(3)], "raw")
    boundary = 16 + struct.unpack("<Q", data[:8])[0]
    assert columns_of(tmp_path / "a", data[:boundary])["text"].tolist() == ["12.50"]
    assert columns_of(tmp_path / "a", b"")["text"].tolist() == []


@pytest.mark.parametrize("empty", [b"", b"\x1a\x00", b"\x1a\x02\x0a\x00"])
def test_a_number_without_a_value_is_not_read_from_what_follows_it(tmp_path, empty):
    """As another program may write it: no list, an empty list, and one that has packed nothing."""
    entries = [tfrecord._field(1, tfrecord._map_key("width") + tfrecord._field(2, empty)), tfrecord._entry("skew", 7)]
    path = tmp_path / "a.tfrecord"
    path.write_bytes(frame(tfrecord._field(1, b"".join(entries))))
    with pytest.raises(TruncatedRecord, match=r"^record 0 is no Example of a line \(its width has no value\)$"):
        tfrecord.read_columns(path, ["width"])


def test_an_empty_tfrecord_has_empty_columns(tmp_path):
    (tmp_path / "a.tfrecord").write_bytes(b"")
    columns = tfrecord.read_columns(tmp_path / "a.tfrecord", ["pixels", "offsets", "text"])
    assert {name: values.tolist() for name, values in columns.items()} == {"pixels": [], "offsets": [0], "text": []}


@pytest.mark.parametrize("column", ["pixels", "text", "offsets", "font"])
def test_a_flipped_byte_in_a_column_of_hdf5_is_an_error_not_another_image(tmp_path, column):
    path = write(tmp_path / "a.h5", "hdf5", make_samples(9))
    with h5py.File(path, "r") as file:
        chunk = file[column].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    for position in random.Random(0).sample(range(chunk.size), min(chunk.size, 20)):
        data[chunk.byte_offset + position] ^= 0x10
        path.write_bytes(data)
        with pytest.raises(OSError):
            hdf5.read_columns(path, COLUMNS)
        data[chunk.byte_offset + position] ^= 0x10


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.5, 0.99])
def test_a_cut_hdf5_does_not_open(tmp_path, keep):
    path = write(tmp_path / "a.h5", "hdf5", make_samples(9))
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])
    with pytest.raises(OSError):
        hdf5.read_columns(path, COLUMNS)


def test_who_still_holds_the_columns_of_a_shard_changes_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = make_samples(30)
    wanted, real, held = hdf5.encode_shard(samples, "raw"), h5py.File.create_dataset, []

    def create(self: h5py.File, *args: Any, **options: Any) -> Any:
        held.append(real(self, *args, **options))
        return held[-1]

    monkeypatch.setattr(h5py.File, "create_dataset", create)
    assert hdf5.encode_shard(samples, "raw") == wanted
    assert held
