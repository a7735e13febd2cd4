"""`verify --repair`: only the damaged shards are drawn again, to the same bytes."""

import json
from pathlib import Path

import pytest

from ocrlib.dataset.manifest import read_manifest
from ocrlib.errors import UserError
from ocrlib.factory.recipe import recipe_from_dict
from ocrlib.factory.repair import repair, rerender
from ocrlib.factory.trust import refuse_untrusted, sources_of
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
    assert "1 shard drawn again" in outcome.stdout
    assert path.read_bytes() == whole


def test_a_recipe_that_opens_what_lies_outside_is_not_run_unasked(tmp_path: Path, tiny_copy: Path) -> None:
    """A dataset that came from elsewhere brings its recipe along, which can name any file and any address."""
    values = manifest_values(tiny_copy)
    fonts = values["recipe"]["render"]["fonts"]
    values["recipe"]["render"]["background_images"] = str(tmp_path)
    fonts[0]["source"] = "/usr/share/fonts"
    (tiny_copy / "manifest.json").write_text(json.dumps(values))
    for mend in (
        lambda: repair(tiny_copy, read_manifest(tiny_copy), {"val-00000-of-00001"}, 1),
        lambda: rerender(tiny_copy, read_manifest(tiny_copy), 1),
    ):
        with pytest.raises(UserError, match=r"its recipe opens '/usr/share/fonts', '.*'; add --trust"):
            mend()


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ({"source": "wikipedia", "corpus": "live:http://127.0.0.1:9/"}, ["live:http://127.0.0.1:9/"]),
        ({"source": "wikipedia", "corpus": "live"}, ["live"]),
        ({"source": "wikipedia", "corpus": "embedded"}, []),
        ({"source": "file", "path": "/etc/passwd"}, ["/etc/passwd"]),
        ({"source": "words"}, []),
    ],
)
def test_what_a_recipe_opens(text: dict[str, str], sources: list[str]) -> None:
    recipe = recipe_from_dict({"name": "a", "text": text, "splits": {"train": 1}}, "the test")
    assert list(sources_of(recipe)) == sources


def test_a_source_in_the_folder_itself_is_trusted_and_a_link_out_of_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "d" / "fonts").mkdir(parents=True)
    (tmp_path / "d" / "out").symlink_to("/etc")
    refuse_untrusted(tmp_path / "d", [str(tmp_path / "d" / "fonts")])
    with pytest.raises(UserError, match="out/passwd"):
        refuse_untrusted(tmp_path / "d", [str(tmp_path / "d" / "out" / "passwd")])


def test_a_work_folder_that_is_a_link_is_refused_and_what_it_leads_to_is_kept(tmp_path: Path, tiny_copy: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "holder").write_text("kept")
    (tiny_copy / ".work").symlink_to(tmp_path / "precious")
    with pytest.raises(UserError, match="is a symbolic link"):
        repair(tiny_copy, read_manifest(tiny_copy), {"val-00000-of-00001"}, 1)
    assert (tmp_path / "precious" / "holder").read_text() == "kept"
    assert (tiny_copy / ".work").is_symlink()


def test_a_shard_that_the_plan_does_not_name_is_not_called_mended(tiny_copy: Path) -> None:
    values = manifest_values(tiny_copy)
    shard = values["splits"]["val"]["shards"][0]
    shard["stem"] = "val-00007-of-00008"
    for file in shard["files"].values():
        file["name"] = file["name"].replace("val-00000-of-00001", "val-00007-of-00008")
    (tiny_copy / "manifest.json").write_text(json.dumps(values))
    problems = repair(tiny_copy, read_manifest(tiny_copy), {"val-00007-of-00008"}, 1)
    assert [line.rpartition(": ")[2] for line in problems] == ["is missing", "is missing"]
