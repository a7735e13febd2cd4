"""The records of a TFRecord file, each with checksums of its own.

A record is: length (u64), masked CRC-32C of the length, data, masked CRC-32C of the data, all little-endian
(https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details).

Letters: N records, P bytes of the file.
"""

import struct

import numpy as np
from google_crc32c import value as crc32c

from ocrlib.dataset.examples import gather

_MASK_DELTA = 0xA282EAD8


class TruncatedRecord(ValueError):
    """A record that ends early or fails its checksum; the message says which, and at what byte."""


def frame(payload: bytes) -> bytes:
    """Returns a record: its length, the payload, and a checksum of each."""
    length = struct.pack("<Q", len(payload))
    return b"".join((length, _masked_crc(length), payload, _masked_crc(payload)))


def _masked_crc(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF)


def _unmasked(stored: np.ndarray) -> np.ndarray:
    """Returns the checksums of which `_masked_crc` made these (N, 4) bytes; (N,) uint32."""
    rotated = stored.view("<u4")[:, 0] - np.uint32(_MASK_DELTA)  # modulo 2 ** 32
    return rotated >> np.uint32(17) | rotated << np.uint32(15)


def payloads(data: np.ndarray) -> list[tuple[int, int]]:
    """Returns where the data of each record starts and stops, after both its checksums are seen to be right.

    Those of the data are compared at the end, all at once.

    Raises:
      TruncatedRecord: says at what byte.
    """
    view = data.data
    found: list[tuple[int, int]] = []
    checksums, position, damage = [], 0, ""
    while position < len(data) and not damage:
        start = position + 12
        length, stored = bytes(view[position : position + 8]), view[position + 8 : start]
        stop = start + int.from_bytes(length, "little")
        if stored != _masked_crc(length):  # of a header that is cut, too
            damage = f"record header at byte {position}"
        elif stop + 4 > len(data):
            damage = f"record at byte {position}"
        else:
            checksums.append(crc32c(data[start:stop]))
            found.append((start, stop))
            position = stop + 4
    stops = np.array([stop for _, stop in found], np.int64)
    for record in np.flatnonzero(_unmasked(gather(data, stops, 4)) != np.array(checksums, np.uint32))[:1]:
        damage = f"record at byte {found[record][0] - 12}"  # comes before the other
    if damage:
        raise TruncatedRecord(f"{damage} is damaged or cut")
    return found
