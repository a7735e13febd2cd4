"""Reads an LMDB file, bounds checked: LMDB's own library trusts a file, and a damaged one ends the process.

A file is made of pages. Page 0 and page 1 describe it; the newer one counts. From there a tree of pages, sorted by key,
leads to the entries; a value larger than a page lies in pages of its own.
(http://www.lmdb.tech/doc/ and mdb.c; numbers are little-endian, as 64-bit machines write them.)

    page   number u64, padding u16, flags u16, lower u16, upper u16; from byte 16 the places of its nodes, u16 each
    node   low u16, high u16, flags u16, key's length u16, key, value; in a branch the first three
           are the number of a page, low bits first
    meta   magic u32, version u32, address u64, map's size u64, two trees, last page u64, transaction u64
    tree   page size u32, flags u16, depth u16, three counts of pages u64, entries u64, root u64
"""

import mmap
import os
import stat
import struct
from contextlib import suppress
from pathlib import Path

_MAGIC, _VERSION = 0xBEEFC0DE, 1
_BRANCH, _LEAF, _OVERFLOW, _META = 1, 2, 4, 8  # of a page's flags
_BIG = 1  # of a node's flags: its value lies in pages of its own
_HEADER_BYTES = 16
_NOTHING = (1 << 64) - 1  # the root of an empty tree
_MAX_DEPTH = 32  # LMDB's own limit
_MAX_KEY_BYTES = 511  # LMDB's own limit


class DamagedBase(ValueError):
    """The file is no LMDB, or damaged."""


class Base:
    """An open LMDB, of which entries can be read.

    Args:
      path: the file data.mdb.

    Attributes:
      entries: how many there are, as the file says.

    Raises:
      OSError: it cannot be read.
      DamagedBase: it is no LMDB.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size < 2 * 152:
                raise DamagedBase("is too short, or no file")
            self._data = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
        first, self._page_bytes, *_ = self._meta(0)
        metas = [(first, 0)]
        with suppress(DamagedBase):  # of two, one can be half written
            metas.append((self._meta(self._page_bytes)[0], self._page_bytes))
        _, _, self.entries, self._root = self._meta(max(metas)[1])

    def close(self) -> None:
        """Lets the file go."""
        self._data.close()

    def get(self, key: bytes) -> bytes | None:
        """Returns the value of a key; None if there is none.

        Raises:
          DamagedBase: the way there is damaged.
        """
        number = self._root
        for _ in range(_MAX_DEPTH if number != _NOTHING else 0):
            flags, nodes = self._page(number)
            if not nodes:
                return None
            if flags & _LEAF:
                return self._value(nodes, key)
            if not flags & _BRANCH:
                break
            # The first key of a branch is empty and stands for all that are smaller than the second.
            index = self._last_at_most(nodes, key, first=1)
            low, high, upper, *_ = self._node(nodes[index])
            number = low | high << 16 | upper << 32
        if number == _NOTHING:
            return None
        raise DamagedBase(f"page {number} is none of a tree")

    def _meta(self, start: int) -> tuple[int, int, int, int]:
        """Returns transaction, bytes of a page, entries and root, as a page says that describes the file."""
        (flags,) = self._unpack("<10xH", start)
        magic, version = self._unpack("<II", start + _HEADER_BYTES)
        page_bytes, *_ = self._unpack("<I", start + _HEADER_BYTES + 24)
        *_, entries, root = self._unpack("<IHHQQQQQ", start + _HEADER_BYTES + 24 + 48)
        _, transaction = self._unpack("<QQ", start + _HEADER_BYTES + 24 + 96)
        if not flags & _META or (magic, version) != (_MAGIC, _VERSION):
            raise DamagedBase("does not begin as an LMDB does")
        if not 256 <= page_bytes <= 1 << 16:
            raise DamagedBase(f"has pages of {page_bytes} bytes")
        return transaction, page_bytes, entries, root

    def _page(self, number: int) -> tuple[int, list[int]]:
        """Returns the flags of a page, and where each of its nodes starts."""
        start = number * self._page_bytes
        found, flags, lower = self._unpack("<Q2xHH", start)
        if found != number or not _HEADER_BYTES <= lower <= self._page_bytes or lower % 2:
            raise DamagedBase(f"page {number} is damaged")
        places = self._unpack(f"<{(lower - _HEADER_BYTES) // 2}H", start + _HEADER_BYTES)
        return flags, [start + place for place in places]

    def _node(self, at: int) -> tuple[int, int, int, bytes, int]:
        """Returns the first three numbers of a node, its key, and where its value starts."""
        low, high, flags, length = self._unpack("<HHHH", at)
        if length > _MAX_KEY_BYTES:
            raise DamagedBase(f"has a key of {length} bytes")
        return low, high, flags, self._bytes(at + 8, length), at + 8 + length

    def _last_at_most(self, nodes: list[int], key: bytes, first: int) -> int:
        """Returns the index of the last node whose key is not larger; `first - 1` if there is none."""
        low, high = first, len(nodes)
        while low < high:
            middle = (low + high) // 2
            if self._node(nodes[middle])[3] <= key:
                low = middle + 1
            else:
                high = middle
        return low - 1

    def _value(self, nodes: list[int], key: bytes) -> bytes | None:
        index = self._last_at_most(nodes, key, first=0)
        if index < 0:
            return None
        low, high, flags, found, start = self._node(nodes[index])
        if found != key:
            return None
        length = low | high << 16
        if flags & _BIG:
            (number,) = self._unpack("<Q", start)
            _, page_flags = self._unpack("<Q2xH", number * self._page_bytes)
            if not page_flags & _OVERFLOW:
                raise DamagedBase(f"page {number} holds no value")
            start = number * self._page_bytes + _HEADER_BYTES
        return self._bytes(start, length)

    def _unpack(self, form: str, start: int) -> tuple[int, ...]:
        return struct.unpack(form, self._bytes(start, struct.calcsize(form)))

    def _bytes(self, start: int, length: int) -> bytes:
        if start + length > len(self._data):
            raise DamagedBase("is cut")
        return self._data[start : start + length]
