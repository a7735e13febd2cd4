"""The Examples of a shard are read all at once as they are one by one; what is not made alike is read one by one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocrlib.dataset import tfrecord
from ocrlib.dataset.examples import NotAlikeError, find_features
from ocrlib.dataset.framing import frame, payloads
from ocrlib.dataset.sample import PROVENANCE, Sample
from tests.dataset.samples import make_sample, make_samples

COLUMNS = ["pixels", "offsets", "id", "text", "width", *PROVENANCE]


def write(path: Path, samples: Any) -> Path:
    path.write_bytes(tfrecord.encode_shard(samples, "raw"))
    return path


def one_by_one(path: Path) -> dict[str, np.ndarray]:
    """What the reader of single Examples makes of a file."""

    def never(*arguments: Any) -> Any:
        raise NotAlikeError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfrecord, "find_features", never)
        return tfrecord.read_columns(path, COLUMNS)


def assert_columns(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> None:
    assert left.keys() == right.keys()
    for name in left:
        assert left[name].dtype == right[name].dtype, name
        assert np.array_equal(left[name], right[name]), name


def with_values(index: int, skew: int, blur: float, seed: int) -> Sample:
    """A sample with such numbers, whose bytes are 1 to 10."""
    sample = make_sample(index, width=1 + 40 * index)
    return Sample(
        id=sample.id,
        text=sample.text,
        image=sample.image,
        provenance={**sample.provenance, "skew_deg": skew, "blur_px": blur, "seed": seed},
    )


def test_all_at_once_gives_what_one_by_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [(0, 0.0, 0), (-2, 1.5, 2**63 - 1), (127, -0.25, 128), (-(2**63), 3e38, -1), (300, 1e-40, 2**35)]
    samples = [with_values(index, *values) for index, values in enumerate(numbers)]
    for number, each in enumerate((samples, make_samples(20), make_samples(1))):
        path = write(tmp_path / f"{number}.tfrecord", each)
        expected = one_by_one(path)
        with monkeypatch.context() as patch:
            patch.delattr(tfrecord, "_read_example")  # so that it is not read one by one
            assert_columns(tfrecord.read_columns(path, COLUMNS), expected)
            room = np.zeros(path.stat().st_size, np.uint8)
            columns = tfrecord.read_columns(path, COLUMNS, room)
        assert_columns(columns, expected)
        assert np.shares_memory(columns["pixels"], room)


def test_examples_of_another_order_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program may write the features as it likes, in each record otherwise."""
    samples = make_samples(3)
    with monkeypatch.context() as patch:
        patch.setattr(tfrecord, "sorted", lambda items: sorted(items, reverse=True), raising=False)
        turned = tfrecord.encode_shard(samples[2:], "raw")
    path = tmp_path / "a.tfrecord"
    path.write_bytes(tfrecord.encode_shard(samples[:2], "raw") + turned)
    data = path.read_bytes()
    starts, stops = np.array(payloads(np.frombuffer(data, np.uint8)), np.int64).T
    with pytest.raises(NotAlikeError):
        find_features(np.frombuffer(data, np.uint8), starts, stops, {"id": "bytes"})
    assert_columns(tfrecord.read_columns(path, COLUMNS), one_by_one(write(tmp_path / "b.tfrecord", samples)))


def test_a_feature_of_a_long_name_is_not_compared_letter_by_letter() -> None:
    payload = tfrecord._field(1, tfrecord._entry("a" * 2000, 1) + tfrecord._entry("width", 7))
    data = np.frombuffer(frame(payload), np.uint8)
    starts, stops = np.array(payloads(data), np.int64).T
    with pytest.raises(NotAlikeError):
        find_features(data, starts, stops, {"width": "int"})
    assert tfrecord._read_example(payload, {"width": int}, 0) == {"width": 7}


@pytest.mark.parametrize("place", range(0, 60, 3))
def test_no_changed_byte_is_read_as_something_else(tmp_path: Path, place: int) -> None:
    """Behind right checksums: all at once either says the same as one by one, or leaves the file to it."""
    framed = tfrecord.encode_shard(make_samples(4), "raw")
    spans = payloads(np.frombuffer(framed, np.uint8))
    payload = bytearray(framed[spans[2][0] : spans[2][1]])
    payload[place % len(payload)] ^= 0x81
    records = [framed[a:b] for a, b in spans]
    records[2] = bytes(payload)
    path = tmp_path / "a.tfrecord"
    path.write_bytes(b"".join(map(frame, records)))
    try:
        expected = one_by_one(path)
    except (ValueError, KeyError) as error:
        with pytest.raises(type(error), match=str(error).replace("(", ".").replace(")", ".")):
            tfrecord.read_columns(path, COLUMNS)
    else:
        assert_columns(tfrecord.read_columns(path, COLUMNS), expected)


def test_a_record_of_a_million_empty_features_is_left_to_the_other_reader() -> None:
    payload = tfrecord._field(1, b"\x0a\x02\x0a\x00" * 1000)
    with pytest.raises(NotAlikeError):
        find_features(np.frombuffer(payload, np.uint8), np.array([0]), np.array([len(payload)]), {})
