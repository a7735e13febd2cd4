"""The features of all Examples of a TFRecord shard at once, in numpy: one by one they take most of a loader's time.

The Examples of a shard are made alike: the same features in the same order, and only the lengths differ. So one step
through the wire format (https://protobuf.dev/programming-guides/encoding/) can be taken in all of them together, with
an array of positions instead of one position. Whatever is not made alike is left to `tfrecord`'s reader of single
Examples, which also names the damaged one.

Letters: N Examples, P bytes of the file.
"""

from collections.abc import Mapping

import numpy as np

Spans = tuple[np.ndarray, np.ndarray]  # (N,) int64 each: where a value starts and stops in the file
_ENTRY, _KEY, _VALUE = 0x0A, 0x0A, 0x12  # tags, all of wire type 2: an entry of the map, its key, its Feature
_LIST = {"bytes": 0x0A, "float": 0x12, "int": 0x1A}  # tags of bytes_list, float_list and int64_list in a Feature
_MOST_BYTES = 10  # of a varint of 64 bits
_LONGEST_NAME = 1000  # bytes; to compare names takes eight times their length
_MOST_FEATURES = 100  # of an Example: one of a million empty ones would take minutes here


class NotAlikeError(Exception):
    """The Examples differ in more than lengths, or are damaged."""


def find_features(
    data: np.ndarray, starts: np.ndarray, stops: np.ndarray, kinds: Mapping[str, str]
) -> dict[str, Spans]:
    """Returns where the value of each wanted feature lies.

    Args:
      data: (P,) uint8, the file.
      starts, stops: (N,) int64, where each Example lies in it; at least one.
      kinds: {name: `bytes`, `float` or `int`} of the features that are wanted.

    Raises:
      NotAlikeError: the Examples are not made alike, lack a feature, or are damaged.
    """
    found: dict[str, Spans] = {}
    position, end = _open_fields(data, starts, _ENTRY)  # the map is the only field of an Example
    _require((end == stops).all())
    for _ in range(_MOST_FEATURES):
        if (position == end).all():
            break
        start, position = _open_fields(data, position, _ENTRY)  # the next entry follows it
        _require((position <= end).all())
        key_start, key_stop = _open_fields(data, start, _KEY)
        name = bytes(data[key_start[0] : key_stop[0]])
        _require(
            len(name) <= _LONGEST_NAME and (key_stop - key_start == len(name)).all() and (key_stop <= position).all()
        )
        _require((gather(data, key_start, len(name)) == np.frombuffer(name, np.uint8)).all())
        kind = kinds.get(str(name, "utf-8", "replace"))
        if kind is None:
            continue
        list_start, list_stop = _open_fields(data, key_stop, _VALUE)
        value_start, value_stop = _open_fields(data, list_start, _LIST[kind])
        start, stop = _open_fields(data, value_start, 0x0A)  # the first and only value, or all of them packed
        _require((list_stop == position).all() and (value_stop == position).all() and (stop == position).all())
        found[str(name, "utf-8")] = start, stop
    _require(found.keys() == kinds.keys() and (position == end).all())
    return found


def read_floats(data: np.ndarray, spans: Spans) -> np.ndarray:
    """Returns the (N,) float32 that lie there, one in each span."""
    _require((spans[1] - spans[0] == 4).all())
    return gather(data, spans[0], 4).view("<f4")[:, 0].astype(np.float32)


def read_ints(data: np.ndarray, spans: Spans) -> np.ndarray:
    """Returns the (N,) int64 that lie there, one in each span."""
    values, stops = _read_varints(data, spans[0])
    _require((stops == spans[1]).all())
    return values.view(np.int64)


def gather(data: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """Returns the (N, length) bytes that begin at each start; the last byte again and again behind the file's end."""
    return data.take(starts[:, None] + np.arange(length), mode="clip")


def _open_fields(data: np.ndarray, position: np.ndarray, tag: int) -> Spans:
    """Returns where the length-delimited fields that begin at `position` start and stop; all must have that tag."""
    _require((data.take(position, mode="clip") == tag).all())
    length, start = _read_varints(data, position + 1)
    _require((length <= len(data)).all())
    stop = start + length.view(np.int64)
    _require((stop <= len(data)).all())
    return start, stop


def _read_varints(data: np.ndarray, position: np.ndarray) -> Spans:
    """Returns the (N,) uint64 numbers that begin at `position`, and where each of them ends."""
    byte = data.take(position, mode="clip")
    value, more, position = (byte & 0x7F).astype(np.uint64), byte >= 0x80, position + 1
    for place in range(1, _MOST_BYTES):
        if not more.any():
            return value, position
        byte = np.where(more, data.take(position, mode="clip"), np.uint8(0))
        value += (byte & 0x7F).astype(np.uint64) << np.uint64(7 * place)
        position += more
        more = byte >= 0x80
    _require((byte <= 1).all())  # the tenth byte holds the highest bit and no more
    return value, position


def _require(alike: bool | np.bool_) -> None:
    if not alike:
        raise NotAlikeError
