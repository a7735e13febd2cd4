"""An LMDB read by our own reader holds what LMDB wrote, and a damaged one is refused and never ends the process."""

import random
from pathlib import Path

import pytest

from ocrlib.imports.lmdb_file import Base, DamagedBase
from tests.imports.own_lines import write_lmdb


def entries(count: int, most_bytes: int) -> dict[bytes, bytes]:
    rng = random.Random(count)
    return {b"image-%09d" % rng.randrange(10 * count): rng.randbytes(rng.randrange(most_bytes)) for _ in range(count)}


# One page, several levels of branches, values that need pages of their own, values that just fit into a page.
@pytest.mark.parametrize(("count", "most_bytes"), [(1, 10), (60, 100), (3000, 600), (20, 20_000), (300, 2100)])
def test_every_entry_is_found_and_no_other(count: int, most_bytes: int, tmp_path: Path) -> None:
    written = entries(count, most_bytes)
    base = Base(write_lmdb(tmp_path, written) / "data.mdb")
    assert base.entries == len(written)
    assert {key: base.get(key) for key in written} == written
    assert [base.get(key) for key in (b"", b"a", b"image-", b"image-999999999", b"zz")] == [None] * 5
    base.close()


def test_a_base_without_entries_has_none(tmp_path: Path) -> None:
    base = Base(write_lmdb(tmp_path, {}) / "data.mdb")
    assert (base.entries, base.get(b"a")) == (0, None)


@pytest.mark.parametrize("content", [b"", b"hello" * 200, b"\0" * 8192])
def test_what_is_no_lmdb_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(content)
    with pytest.raises(DamagedBase):
        Base(tmp_path / "data.mdb")


def test_damage_is_an_error_or_another_value_and_nothing_else(tmp_path: Path) -> None:
    """LMDB's own library dies of a file that was cut."""
    written = entries(200, 3000)
    path = write_lmdb(tmp_path, written) / "data.mdb"
    sound, rng = path.read_bytes(), random.Random(1)
    refused = 0
    for turn in range(60):
        data = bytearray(sound)
        if turn % 2:
            del data[rng.randrange(len(data)) :]
        for _ in range(20):
            if data:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        try:
            base = Base(path)
        except DamagedBase:
            refused += 1
            continue
        for key in written:
            try:
                base.get(key)
            except DamagedBase:
                refused += 1
        base.close()
    assert refused > 60
