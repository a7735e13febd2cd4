"""`verify --repair`: only the damaged shards are drawn again, to the same bytes."""

import json

import pytest

from ocrlib.dataset.manifest import read_manifest
from ocrlib.errors import UserError
from ocrlib.factory.repair import repair
from tests.generating import problems_of
from tests.programs import run_program
from tests.training_fixtures import flip_byte, manifest_values


def test_damaged_and_missing_shards_are_drawn_again_and_no_others(tiny_copy):
    hashes = {path.name: path.read_bytes() for path in tiny_copy.iterdir() if path.suffix in (".h5", ".tfrecord")}
    damaged = tiny_copy / "train-00001-of-00004.tfrecord"
    damaged.write_bytes(damaged.read_bytes()[:-7])
    (tiny_copy / "val-00000-of-00001.h5").unlink()
    untouched = {
        name: (tiny_copy / name).stat().st_mtime_ns
        for name in hashes
        if not name.startswith(("train-00001", "val-00000"))
    }
    manifest = read_manifest(tiny_copy)
    assert repair(tiny_copy, manifest, {"train-00001-of-00004", "val-00000-of-00001"}, 2) == []
    assert {name: (tiny_copy / name).read_bytes() for name in hashes} == hashes
    assert {name: (tiny_copy / name).stat().st_mtime_ns for name in untouched} == untouched
    assert not [path.name for path in tiny_copy.iterdir() if path.name.startswith(".")]
    assert problems_of(tiny_copy) == []


def test_with_other_fonts_or_libraries_a_repair_is_refused(tiny_copy):
    path = tiny_copy / "manifest.json"
    values = manifest_values(tiny_copy)
    values["fingerprint"] = "0" * 64
    path.write_text(json.dumps(values))
    with pytest.raises(UserError, match="cannot be drawn again: its fonts, corpus or library versions"):
        repair(tiny_copy, read_manifest(tiny_copy), {"val-00000-of-00001"}, 1)


def test_the_command_repairs_and_says_so(tiny_copy):
    path = tiny_copy / "test-00000-of-00001.h5"
    whole = path.read_bytes()
    flip_byte(path, 100)
    outcome = run_program("-m", "ocrlib", "verify", tiny_copy)
    assert outcome.code == 1
    assert "--repair` draws damaged shards again" in outcome.stderr
    outcome = run_program("-m", "ocrlib", "verify", tiny_copy, "--repair", "--workers", 1)
    assert outcome.code == 0
    assert "1 shards drawn again" in outcome.stdout
    assert path.read_bytes() == whole
