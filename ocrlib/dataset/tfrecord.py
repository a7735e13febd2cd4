"""TFRecord shards, written and read without TensorFlow, which would take a worker seconds to import.

Each record (`framing`) is a `tf.train.Example` in the wire format of protocol buffers: a map from feature name to one
bytes, float or int64 list (https://protobuf.dev/programming-guides/encoding/).
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib.dataset.examples import NotAlikeError, find_features, read_floats, read_ints
from ocrlib.dataset.framing import TruncatedRecord, frame, payloads
from ocrlib.dataset.sample import PROVENANCE, Sample, encode_image

ENDING = ".tfrecord"
_FEATURES = {bytes: 1, str: 1, float: 2, int: 3}  # field numbers of bytes_list, float_list, int64_list in Feature
_COLUMN_DTYPES = {str: object, float: np.float32, int: np.int64}
_KINDS: dict[str, type] = {"id": str, "text": str, "image": bytes, "width": int, **PROVENANCE}
# Features that many lines have alike; no floats, because 0.0 and -0.0 are equal and their bytes are not.
_SHARED = frozenset({"width", "font", "background", "skew_deg", "degradation", "attempt"})
_ONE_BYTE = [bytes([value]) for value in range(0x80)]  # most varints are this short


def encode_shard(samples: Sequence[Sample], encoding: str) -> bytes:
    """Returns the bytes of a TFRecord file: one Example for each sample, in order.

    Its features are `id`, `text` (UTF-8), `image` (stored as `encoding`), `width` (pixels), and one for each name of
    the provenance.
    """
    return b"".join(frame(_example(sample, encoding)) for sample in samples)


def read_columns(path: Path, names: Sequence[str], room: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Returns the named columns of a shard, whole; strings as object arrays of str.

    `pixels` and `offsets` are made of the feature `image`, and are what `hdf5.read_columns` returns.

    Args:
      path: the file.
      names: of the columns.
      room: as for `hdf5.read_columns`.

    Raises:
      TruncatedRecord: a record is cut or damaged.
      KeyError: a record has no such feature.
    """
    features = {"image" if name in ("pixels", "offsets") else name for name in names}
    kinds = {name: _KINDS[name] for name in features}
    data = _read_file(path, room)
    view = data.data
    records = payloads(data)
    try:
        found = _read_alike(data, records, kinds)
    except (NotAlikeError, UnicodeDecodeError):  # made by another program, or damaged
        one_by_one = (bytes(view[start:stop]) for start, stop in records)
        examples = [_read_example(payload, kinds, number) for number, payload in enumerate(one_by_one)]
        found = {name: [example[name] for example in examples] for name in kinds}
    if "image" in found:
        found["pixels"], found["offsets"] = _pack(found["image"], data)
    columns: dict[str, np.ndarray] = {}
    for name in names:
        ready = name in ("pixels", "offsets")
        columns[name] = found[name] if ready else np.array(found[name], _COLUMN_DTYPES[kinds[name]])
    return columns


def _read_file(path: Path, room: np.ndarray | None) -> np.ndarray:
    """Returns the (P,) uint8 of a file, in that memory if there is some."""
    num_bytes = path.stat().st_size
    data = np.empty(num_bytes, np.uint8) if room is None else room[:num_bytes]
    with open(path, "rb") as file:
        return data[: file.readinto(data.data)]


def _pack(images: Iterable[bytes | memoryview], data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Moves the images of a file to its beginning, one after the other, over what lies between them.

    No other memory is touched. Returns the (P,) uint8 of all images and the (N + 1,) int64 where each of them begins.
    """
    view, position, offsets = data.data, 0, [0]
    for image in images:
        start, position = position, position + len(image)
        view[start:position] = image
        offsets.append(position)
    return data[:position], np.array(offsets, np.int64)


def _read_alike(data: np.ndarray, records: Sequence[tuple[int, int]], kinds: Mapping[str, type]) -> dict[str, Any]:
    """Returns {name: N values} of Examples that are made alike, as those of a shard of ours are.

    Images come one by one: a list of all of them would hold more objects than anything else here.

    Raises:
      NotAlikeError, UnicodeDecodeError: they are not, or one is damaged.
    """
    if not records:
        return {name: [] for name in kinds}
    starts, stops = np.array(records, np.int64).T
    view = data.data
    words = {name: "bytes" if kind is str else kind.__name__ for name, kind in kinds.items()}
    columns: dict[str, Any] = {}
    for name, spans in find_features(data, starts, stops, words).items():
        if words[name] == "bytes":
            values = (view[start:stop] for start, stop in zip(*(span.tolist() for span in spans), strict=True))
            columns[name] = values if kinds[name] is bytes else [str(value, "utf-8") for value in values]
        else:
            columns[name] = (read_ints if kinds[name] is int else read_floats)(data, spans)
    return columns


def _example(sample: Sample, encoding: str) -> bytes:
    features: dict[str, str | bytes | int | float] = {
        "id": sample.id,
        "text": sample.text,
        "image": encode_image(sample.image, encoding),
        "width": sample.image.shape[1],
        **sample.provenance,
    }
    # Example { Features features = 1; }, Features { map<string, Feature> feature = 1; }; sorted, so that
    # equal samples are equal bytes.
    entries = [
        _shared_entry(name, value) if name in _SHARED else _entry(name, value)
        for name, value in sorted(features.items())
    ]
    return _field(1, b"".join(entries))


def _entry(name: str, value: str | bytes | int | float) -> bytes:
    return _field(1, _map_key(name) + _field(2, _feature(value.encode() if isinstance(value, str) else value)))


_shared_entry = lru_cache(maxsize=4096, typed=True)(_entry)


@cache
def _map_key(name: str) -> bytes:
    return _field(1, name.encode())


def _feature(value: bytes | int | float) -> bytes:
    if isinstance(value, bytes):
        return _field(1, _field(1, value))
    if isinstance(value, int):
        return _field(3, _field(1, _varint(value & 0xFFFFFFFFFFFFFFFF)))  # packed
    return _field(2, _field(1, struct.pack("<f", value)))  # packed


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited field, wire type 2."""
    return _ONE_BYTE[number << 3 | 2] + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    if value < 0x80:
        return _ONE_BYTE[value]
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_example(payload: bytes, kinds: Mapping[str, type], number: int) -> dict[str, Any]:
    """Returns the features of record `number`, {name: value of the kind that is wanted}."""
    try:
        return _parse_example(payload, kinds)
    except (IndexError, struct.error, ValueError, OverflowError) as error:
        raise TruncatedRecord(f"record {number} is no Example of a line ({error})") from None


def _parse_example(payload: bytes, kinds: Mapping[str, type]) -> dict[str, Any]:
    """Returns the wanted features of an Example, those of them that it has.

    A field that ends behind the payload raises IndexError or ValueError.
    """
    parsed: dict[str, Any] = {}
    _, position, end = _open_field(payload, 0)
    while position < end:
        _, start, position = _open_field(payload, position)  # an entry of the map; the next follows it
        _, start, stop = _open_field(payload, start)
        name = str(payload[start:stop], "utf-8")
        if name not in kinds:
            continue
        kind = kinds[name]
        _, feature, feature_end = _open_field(payload, stop)
        field, values, values_end = _open_field(payload, feature)
        _, start, stop = _open_field(payload, values)
        if feature == feature_end or values == values_end or (start == stop and kind in (int, float)):
            raise ValueError(f"its {name} has no value")  # what was opened is what follows it
        if field != _FEATURES[kind]:
            raise ValueError(f"its {name} is of another type")
        if kind is int:
            number = _read_varint(payload, start)[0]
            parsed[name] = number - (1 << 64) if number >> 63 else number
        elif kind is float:
            parsed[name] = struct.unpack_from("<f", payload, start)[0]
        else:
            parsed[name] = payload[start:stop] if kind is bytes else str(payload[start:stop], "utf-8")
    return parsed


def _open_field(data: bytes, position: int) -> tuple[int, int, int]:
    """Returns number, start and stop of the length-delimited field that lies at `position`."""
    tag, position = _read_varint(data, position)
    length, position = _read_varint(data, position)
    if position + length > len(data):
        raise IndexError("a field ends behind it")
    return tag >> 3, position, position + length


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = data[position]
    if value < 0x80:
        return value, position + 1
    value, shift = value & 0x7F, 7
    while shift < 70:
        position += 1
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position + 1
        shift += 7
    raise ValueError("a number of more than 64 bits")
