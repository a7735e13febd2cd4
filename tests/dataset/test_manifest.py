"""manifest.json: it lists the files that exist, and no file outside the folder."""

import json
from pathlib import Path

import pytest

from ocrlib.dataset.manifest import FORMAT, read_manifest, write_manifest
from ocrlib.dataset.plan import plan_shards
from ocrlib.errors import UserError
from ocrlib.factory.recipe import load_recipe, recipe_from_dict
from ocrlib.invocation import command
from tests.generating import TINY_STEMS, shard_hashes
from tests.training_fixtures import manifest_values, write_dataset


def edit(folder: Path, change) -> None:
    path = folder / "manifest.json"
    values = manifest_values(folder)
    change(values)
    path.write_text(json.dumps(values))


def message_of(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_manifest(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(folder))
    return message


def test_the_manifest_lists_every_file_with_its_size_and_hash(tiny_dataset):
    manifest = read_manifest(tiny_dataset)
    assert manifest.format == FORMAT == "ocrlib-dataset/1"
    assert {name: split.samples for name, split in manifest.splits.items()} == {"train": 80, "val": 20, "test": 20}
    shards = [shard for split in manifest.splits.values() for shard in split.shards]
    assert [shard.stem for shard in shards] == TINY_STEMS
    assert [shard.samples for shard in shards] == [25, 25, 25, 5, 20, 20]
    listed = {file.name: file for shard in shards for file in shard.files.values()}
    assert {name: file.sha256 for name, file in listed.items()} == shard_hashes(tiny_dataset)
    assert all(file.bytes == (tiny_dataset / name).stat().st_size for name, file in listed.items())
    assert set(listed) == {stem + ending for stem in TINY_STEMS for ending in (".tfrecord", ".h5")}


def test_the_manifest_says_how_the_dataset_was_made(tiny_dataset):
    manifest = read_manifest(tiny_dataset)
    assert (manifest.name, manifest.charset) == ("tiny", "0123456789.,-")
    assert (manifest.image.height, manifest.image.channels, manifest.image.encoding) == (32, 1, "raw")
    assert recipe_from_dict(manifest.recipe, "manifest") == load_recipe(tiny_dataset.parent / "tiny.toml")
    assert {"python", "ocrlib", "trdg", "pillow", "numpy"} <= set(manifest.environment)
    assert "DejaVuSans.ttf" in manifest.fonts["used"]
    assert "cmsy10.ttf" in manifest.fonts["left_out"]


def test_a_manifest_is_written_as_it_was_read(tiny_copy):
    before = (tiny_copy / "manifest.json").read_bytes()
    write_manifest(tiny_copy, read_manifest(tiny_copy))
    assert (tiny_copy / "manifest.json").read_bytes() == before


def test_the_plan_of_a_manifest_is_the_one_its_shards_were_made_by(tiny_dataset):
    manifest = read_manifest(tiny_dataset)
    assert manifest.plan == plan_shards({"train": 80, "val": 20, "test": 20}, 25)
    assert [shard.stem for shard in manifest.plan] == [shard.stem for shard in manifest.shards] == TINY_STEMS
    assert manifest.num_samples == 120


def test_rejected_draws_are_the_sum_over_the_shards(tiny_dataset):
    manifest = read_manifest(tiny_dataset)
    shards = [shard for split in manifest.splits.values() for shard in split.shards]
    for reason, count in manifest.rejected.items():
        assert count == sum(shard.rejected.get(reason, 0) for shard in shards)


@pytest.mark.parametrize(
    "name", ["../x.h5", "/etc/passwd", "a/b.h5", "..", ".", "", "..\\x.h5", "sub/../../x.h5", "a\0.h5"]
)
def test_a_name_that_leaves_the_folder_is_refused(tiny_copy, name):
    edit(tiny_copy, lambda values: values["splits"]["val"]["shards"][0]["files"]["hdf5"].update(name=name))
    message = message_of(tiny_copy)
    assert "must be the name of a file in the dataset's own folder" in message
    assert json.dumps(name) in message


def test_a_stem_that_leaves_the_folder_is_refused(tiny_copy):
    edit(tiny_copy, lambda values: values["splits"]["val"]["shards"][0].update(stem="../val"))
    assert "stem must be the name of a file in the dataset's own folder" in message_of(tiny_copy)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda v: v.update(format="ocrlib-dataset/2"), "expected format 'ocrlib-dataset/1', not 'ocrlib-dataset/2'"),
        (lambda v: v.pop("format"), "expected format 'ocrlib-dataset/1', not None"),
        (lambda v: v.pop("charset"), "lacks the key 'charset'"),
        (lambda v: v.update(colour=1), "has no key 'colour'"),
        (lambda v: v["image"].update(height="32"), '[image] height must be a valid integer, not "32"'),
        (lambda v: v["splits"]["train"].update(samples=79), "[splits.train] counts 79 samples, but its shards 80"),
        (lambda v: v["splits"]["train"]["shards"].pop(), "[splits.train] counts 80 samples, but its shards 75"),
        (lambda v: v["splits"]["val"]["shards"][0].update(samples=19), "counts 19 samples, but widths of 20"),
        (
            lambda v: v["splits"]["val"]["shards"][0].update(widths={"wide": 20}),
            'must be a valid integer, unable to parse string as an integer, not "wide"',
        ),
        (lambda v: v["splits"]["val"]["shards"][0].update(files={}), "files must have at least 1 item"),
        (lambda v: v["splits"]["val"]["shards"][0]["files"].update(zip={}), "must be 'tfrecord' or 'hdf5'"),
    ],
)
def test_a_manifest_that_cannot_be_trusted_is_refused(tiny_copy, change, says):
    edit(tiny_copy, change)
    assert says in message_of(tiny_copy)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"null"])
def test_a_manifest_that_is_no_json_table_is_refused(tiny_copy, content):
    (tiny_copy / "manifest.json").write_bytes(content)
    assert message_of(tiny_copy).startswith(f"{tiny_copy / 'manifest.json'}: ")


def test_what_is_no_dataset_says_how_to_get_one(tmp_path):
    assert message_of(tmp_path / "none").endswith(
        f"no such folder; make a dataset with `{command('data', 'RECIPE.toml')}`"
    )
    assert message_of(tmp_path).endswith("is no dataset: it has no manifest.json")
    (tmp_path / ".work").mkdir()
    assert message_of(tmp_path).endswith("is half-finished; run the command that made it again to go on")


def test_every_flipped_digit_is_found_and_every_other_byte(tmp_path):
    folder = write_dataset(tmp_path / "digits", {"train": ["12", "345"], "test": ["6"]}, shard_samples=1)
    path = folder / "manifest.json"
    whole, sound = path.read_bytes(), read_manifest(folder)
    digits = [at for at, byte in enumerate(whole) if chr(byte).isdigit()]
    others = [at for at, byte in enumerate(whole) if not chr(byte).isdigit() and not chr(byte).isspace()]
    assert len(digits) > 400
    passed = []
    for at in digits + others[::3]:
        changed = bytearray(whole)
        changed[at] ^= 1  # of a digit another digit
        path.write_bytes(changed)
        try:
            if read_manifest(folder) != sound:
                passed.append(at)
        except UserError:
            continue
    assert passed == []
