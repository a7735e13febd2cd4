"""Sources to a dataset: what is in it, what is left out and why, and that a stop or a new picture changes nothing else."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from ocrlib.dataset.manifest import read_manifest
from ocrlib.dataset.verify import verify_shard
from ocrlib.errors import UserError
from ocrlib.imports import prepare
from ocrlib.imports.again import import_again
from ocrlib.imports.layouts import find_layout
from ocrlib.imports.make import import_dataset
from ocrlib.imports.settings import ImportSource
from ocrlib.pictures.opening import cut_line_image, line_image, read_picture
from tests.imports.own_lines import (
    import_from,
    lines_of,
    numbered,
    picture_of,
    png_of,
    rejected_in,
    texts_of,
    write_page,
    write_pairs,
)
from tests.programs import ROOT


def files_of(folder: Path) -> dict[str, bytes]:
    """What lies in a dataset's folder, but for the manifest, which names the source."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "manifest.json"}


def test_pictures_become_a_dataset_like_any_other(tmp_path):
    source = write_pairs(tmp_path / "mine", numbered(20))
    imported = import_from(source, tmp_path / "out")
    manifest = imported.manifest
    assert (imported.new, imported.worked) == (20, True)
    assert {name: split.samples for name, split in manifest.splits.items()} == {"train": 18, "val": 2, "test": 0}
    assert manifest.charset == "0123456789"
    assert (manifest.image.height, manifest.image.channels) == (32, 1)
    assert not [line for shard in manifest.shards for line in verify_shard(tmp_path / "out", manifest, shard)]
    for split, lines in lines_of(tmp_path / "out", manifest).items():
        for name, text, pixels in lines:
            assert text == (source / name).with_suffix(".gt.txt").read_text().strip(), split
            assert pixels == as_cut(source / name).tobytes()
    assert not (tmp_path / "out" / ".work").exists()


def as_cut(picture: Path) -> np.ndarray:
    """What a reader makes of a picture, with the margins of an import."""
    return cut_line_image(read_picture(picture, "it"), 32, 1, prepare.CUT)


def test_empty_paper_around_a_line_is_cut_unless_the_user_says_no(tmp_path):
    loose = ImageOps.expand(picture_of("4711"), (60, 50, 40, 70), "white")
    (tmp_path / "mine").mkdir()
    loose.save(tmp_path / "mine" / "1.png")
    (tmp_path / "mine" / "1.gt.txt").write_text("4711")
    images = {}
    for cut in ("true", "false"):
        manifest = import_from(tmp_path / "mine", tmp_path / cut, {"render.cut": cut}).manifest
        ((_, _, pixels),) = lines_of(tmp_path / cut, manifest)["train"]
        images[cut] = np.frombuffer(pixels, np.uint8).reshape(32, -1)
        assert import_again(tmp_path / cut, manifest, 1, trust=True) == []
    assert images["false"].tobytes() == line_image(loose, 32, 1).tobytes()
    rows = {cut: int((image < 128).any(axis=1).sum()) for cut, image in images.items()}
    assert rows["true"] > 20 > 12 > rows["false"]  # of 32 that show print


def test_a_picture_of_the_very_height_is_a_line_image_already(tmp_path):
    loose = ImageOps.expand(picture_of("4711").resize((40, 12)), 10, "white")  # 32 pixels high
    (tmp_path / "mine").mkdir()
    loose.save(tmp_path / "mine" / "1.png")
    (tmp_path / "mine" / "1.gt.txt").write_text("4711")
    manifest = import_from(tmp_path / "mine", tmp_path / "out").manifest
    ((_, _, pixels),) = lines_of(tmp_path / "out", manifest)["train"]
    assert pixels == line_image(loose, 32, 1).tobytes()


def test_what_was_imported_before_anything_was_cut_is_imported_again_as_it_was(tmp_path):
    source = write_pairs(tmp_path / "mine", numbered(4))
    manifest = import_from(source, tmp_path / "out", {"render.cut": "false"}).manifest
    del manifest.recipe["render"]["cut"]
    assert import_again(tmp_path / "out", manifest, 4, trust=True) == []


def test_three_channels_and_another_height(tmp_path):
    source = write_pairs(tmp_path / "mine", numbered(4))
    manifest = import_from(source, tmp_path / "out", {"render.channels": "3", "render.height": "40"}).manifest
    _, _, pixels = lines_of(tmp_path / "out", manifest)["train"][0]
    assert len(pixels) % (40 * 3) == 0
    assert import_again(tmp_path / "out", manifest, 4, trust=True) == []


def spoil(folder: Path) -> dict[str, str]:
    """Adds what cannot be used to a folder of pairs; returns {name: reason}."""
    write_pairs(
        folder,
        {"empty": "", "two": "one\ntwo", "foreign": "12☃", "copy": "10000", "narrow": "1" * 90, "other": "9"},
    )

    def picture(name: str, picture: Image.Image, **settings: object) -> None:
        picture.save(folder / name, **settings)  # type: ignore[arg-type]
        (folder / name).with_suffix(".gt.txt").write_text("7")

    picture("flat.png", Image.new("L", (60, 48), 250))
    picture("tall.png", Image.new("L", (10, 400)))
    picture("thread.png", Image.new("L", (6000, 20)))
    picture("speck.png", Image.new("L", (4, 1)))
    pages = [picture_of(text) for text in ("1", "2", "3")]
    picture("scan.tif", pages[0], save_all=True, append_images=pages[1:])
    (folder / "scan.gt.txt").write_text("1")
    (folder / "narrow.png").write_bytes(png_of("11111"))
    (folder / "two.png").write_bytes(png_of("4711"))
    (folder / "foreign.png").write_bytes(png_of("12"))
    (folder / "broken.png").write_bytes(png_of("555")[:60])
    (folder / "broken.gt.txt").write_text("555")
    (folder / "void.png").write_bytes(b"")
    (folder / "void.gt.txt").write_text("5")
    (folder / "latin.png").write_bytes(png_of("77"))
    (folder / "latin.gt.txt").write_bytes("café".encode("cp1252"))
    (folder / "alone.png").write_bytes(png_of("78"))
    (folder / "sole.gt.txt").write_text("79")
    (folder / "other.png").rename(folder / "other.heic")
    return {
        "alone.png": "no text",
        "broken.png": "broken picture",
        "copy.png": "the same picture twice",
        "empty.png": "empty text",
        "flat.png": "picture without ink",
        "foreign.png": "character outside the charset",
        "latin.png": "text cannot be read",
        "narrow.png": "too narrow for its text",
        "other.gt.txt": "no picture",
        "scan.tif": "further pages",
        "sole.gt.txt": "no picture",
        "speck.png": "picture too small",
        "tall.png": "absurd proportions",
        "thread.png": "absurd proportions",
        "two.png": "two lines of text",
        "void.png": "broken picture",
    }


def test_what_cannot_be_used_is_named_and_counted_and_stops_nothing(tmp_path):
    source = write_pairs(tmp_path / "mine", {"a_copied": "10000", **numbered(10, "z")} | {"z_000": "31313"})
    reasons = spoil(source)
    given = {"text.charset": "0123456789"}
    imported = import_from(source, tmp_path / "out", given)
    assert rejected_in(tmp_path / "out") == reasons
    counted = imported.manifest.rejected
    assert counted == {reason: list(reasons.values()).count(reason) for reason in sorted(set(reasons.values()))}
    assert texts_of(tmp_path / "out", imported.manifest) == {"10000", "31313", "1", *numbered(10, "z").values()}
    with pytest.raises(UserError, match=r"--strict, and 16 cannot be used: alone\.png: no text"):
        import_from(source, tmp_path / "other", given, strict=True)


def test_a_picture_that_would_fill_the_memory_is_refused_unread(tmp_path):
    source = write_pairs(tmp_path / "mine", numbered(3))
    big = Image.new("1", (30_000, 30_000))
    big.save(source / "big.png")
    (source / "big.gt.txt").write_text("1")
    import_from(source, tmp_path / "out")
    assert rejected_in(tmp_path / "out") == {"big.png": "broken picture"}
    assert "exceeds limit" in (tmp_path / "out" / "rejected.tsv").read_text()


def test_a_folder_with_nothing_in_it(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty: holds no labelled lines of a layout that is known here"):
        import_from(tmp_path / "empty", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_nothing_to_use(tmp_path):
    source = write_pairs(tmp_path / "mine", {"a": "", "b": ""})
    with pytest.raises(UserError, match=r"mine: holds no line that can be used: a\.png: empty text; 2 in all"):
        import_from(source, tmp_path / "out")


@pytest.mark.parametrize("num_workers", [1, 3])
def test_the_same_pictures_give_the_same_bytes(tmp_path, num_workers):
    """From another folder, too, and with files written in another order."""
    lines = numbered(600)
    one = write_pairs(tmp_path / "one", lines)
    import_from(one, tmp_path / "reference", {"output.shard_samples": "200"})
    other = write_pairs(tmp_path / "other", dict(random.Random(1).sample(list(lines.items()), len(lines))))
    sources = [ImportSource(path=str(other), layout="pairs")]
    import_dataset(sources, tmp_path / "again", {"output.shard_samples": "200"}, num_workers)
    assert files_of(tmp_path / "again") == files_of(tmp_path / "reference")
    first, second = read_manifest(tmp_path / "reference"), read_manifest(tmp_path / "again")
    assert first.fingerprint == second.fingerprint


def test_a_shard_whose_lines_lie_in_more_files_than_a_process_may_open(tmp_path, monkeypatch):
    source = write_pairs(tmp_path / "mine", numbered(80))
    monkeypatch.setattr(prepare, "ROWS", 1)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        manifest = import_from(source, tmp_path / "out").manifest
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert import_again(tmp_path / "out", manifest, 80, trust=True) == []


def test_a_finished_import_is_left_alone(tmp_path):
    source = write_pairs(tmp_path / "mine", numbered(5))
    import_from(source, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    imported = import_from(source, tmp_path / "out")
    assert (imported.new, imported.worked) == (0, False)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before


def test_new_pictures_grow_the_dataset_and_move_nothing(tmp_path):
    source = write_pairs(tmp_path / "mine", numbered(30, "p1") | numbered(30, "p5", 50_000))
    given = {"output.shard_samples": "16", "splits.test": "0.2", "splits.val": "0.1", "splits.group": "_..(.)"}
    first = lines_of(tmp_path / "out", import_from(source, tmp_path / "out", given).manifest)
    write_pairs(source, {f"p3_{i:03d}": f"3.{i}" for i in range(25)})
    more = write_pairs(tmp_path / "more", {f"q_{i:03d}": f"4.{i}" for i in range(10)})
    imported = import_from(more, tmp_path / "out")  # the first source is known, and so are the settings
    assert imported.new == 35
    grown = lines_of(tmp_path / "out", imported.manifest)
    for split, lines in first.items():
        assert grown[split][: len(lines)] == lines
    assert sum(map(len, grown.values())) == 95
    assert not [p for s in imported.manifest.shards for p in verify_shard(tmp_path / "out", imported.manifest, s)]
    assert import_again(tmp_path / "out", imported.manifest, 95, trust=True) == []


def test_a_dataset_does_not_grow_over_lines_that_changed(tmp_path):
    source = write_pairs(tmp_path / "mine", numbered(10))
    import_from(source, tmp_path / "out")
    (source / "line_003.gt.txt").write_text("31")
    with pytest.raises(UserError, match=r"1 of its lines are gone from the sources, or were changed there \(line_003"):
        import_from(source, tmp_path / "out")
    (problem,) = import_again(tmp_path / "out", read_manifest(tmp_path / "out"), 10, trust=True)
    assert "line_003.png is another picture or text now" in problem
    (source / "line_003.png").unlink()
    (problem,) = import_again(tmp_path / "out", read_manifest(tmp_path / "out"), 10, trust=True)
    assert "line_003.png is not in the sources any more" in problem
    shutil.rmtree(source)
    with pytest.raises(UserError, match="cannot be imported again: .*mine is not there any more"):
        import_again(tmp_path / "out", read_manifest(tmp_path / "out"), 10, trust=True)


def test_another_setting_is_refused(tmp_path):
    source = write_pairs(tmp_path / "mine", numbered(5))
    import_from(source, tmp_path / "out")
    with pytest.raises(UserError, match=r"was imported with render\.height 32, not 48; leave that option out"):
        import_from(source, tmp_path / "out", {"render.height": "48"})


def test_folders_that_hold_something_else(tmp_path):
    source = write_pairs(tmp_path / "mine", numbered(5))
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="expected a folder, found a file"):
        import_from(source, tmp_path / "file")
    with pytest.raises(UserError, match="mine: is in use for something else"):
        import_from(source, source)
    with pytest.raises(UserError, match="out: is a dataset already"):
        import_from(source, tmp_path / "out")
        import_from(tmp_path / "out", tmp_path / "next")


@pytest.mark.parametrize("key", ["splits.vall", "render.height"])
def test_a_wrong_setting_is_an_error_of_one_line(tmp_path, key):
    source = write_pairs(tmp_path / "mine", numbered(5))
    with pytest.raises(UserError, match="--" + key):
        import_from(source, tmp_path / "out", {key: "-1"})


def test_several_sources_of_several_layouts(tmp_path):
    pairs = write_pairs(tmp_path / "mine", numbered(6))
    write_page(tmp_path / "pages", "p1", ["20471", "3.50"], "page")
    sources = [ImportSource(path=str(p), layout=find_layout(p, None)) for p in (pairs, tmp_path / "pages")]
    manifest = import_dataset(sources, tmp_path / "out", {}, 2).manifest
    assert texts_of(tmp_path / "out", manifest) == {*numbered(6).values(), "20471", "3.50"}
    assert [(source["layout"], source["lines"]) for source in manifest.recipe["sources"]] == [("pairs", 6), ("page", 2)]


def test_a_name_that_two_sources_have(tmp_path):
    one, two = write_pairs(tmp_path / "one", {"a": "1", "b": "2"}), write_pairs(tmp_path / "two", {"a": "3", "c": "4"})
    sources = [ImportSource(path=str(path), layout="pairs") for path in (one, two)]
    manifest = import_dataset(sources, tmp_path / "out", {}, 1).manifest
    assert texts_of(tmp_path / "out", manifest) == {"1", "2", "3", "4"}
    names = {name for lines in lines_of(tmp_path / "out", manifest).values() for name, _, _ in lines}
    assert names == {"a.png", "b.png", "two/a.png", "c.png"}
    assert import_again(tmp_path / "out", manifest, 4, trust=True) == []


IMPORT = """
import sys
from pathlib import Path
from ocrlib.imports.make import import_dataset
from ocrlib.imports.settings import ImportSource
if __name__ == "__main__":
    source = ImportSource(path=sys.argv[1], layout="pairs")
    import_dataset([source], Path(sys.argv[2]), {"output.shard_samples": "100"}, 2)
"""


def test_kill_9_at_ten_random_moments_leaves_something_to_resume(tmp_path):
    source = write_pairs(tmp_path / "mine", numbered(400))
    script = tmp_path / "run.py"
    script.write_text(IMPORT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run(out: Path, seconds: float | None) -> None:
        command = [sys.executable, str(script), str(source), str(out)]
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True) as process:
            try:
                assert process.wait(seconds) == 0
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)

    start = time.monotonic()
    run(tmp_path / "reference", None)
    whole = time.monotonic() - start
    moments = random.Random(7)
    for _ in range(10):
        run(tmp_path / "out", moments.uniform(0.1, 1.0) * whole)
    run(tmp_path / "out", None)
    assert files_of(tmp_path / "out") == files_of(tmp_path / "reference")
    assert not (tmp_path / "out" / ".work").exists()


def test_a_stopped_import_goes_on_with_what_changed_meanwhile(tmp_path, monkeypatch):
    source = write_pairs(tmp_path / "mine", numbered(40))
    import ocrlib.imports.make as make

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(make, "_commit", stop)
        with pytest.raises(KeyboardInterrupt):
            import_from(source, tmp_path / "out", {"output.shard_samples": "16"})
    assert (tmp_path / "out" / ".work" / "lines.sqlite").exists()
    time.sleep(0.01)
    (source / "line_003.png").write_bytes(png_of("99"))
    (source / "line_003.gt.txt").write_text("99")
    write_pairs(source, {"new": "123"})
    manifest = import_from(source, tmp_path / "out", {"output.shard_samples": "16"}).manifest
    import_from(source, tmp_path / "reference", {"output.shard_samples": "16"})
    assert files_of(tmp_path / "out") == files_of(tmp_path / "reference")
    assert "99" in texts_of(tmp_path / "out", manifest)


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    source = write_pairs(tmp_path / "mine", numbered(5))

    def full(*arguments: object, **settings: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ocrlib.imports.ledger.begin", full)
    with pytest.raises(UserError, match="cannot be written: No space left on device; what is done stays"):
        import_from(source, tmp_path / "out")


def test_sixteen_bits_and_transparency_come_out_as_reading_has_them(tmp_path):
    source = write_pairs(tmp_path / "mine", {"a": "1", "b": "2", "c": "3"})
    deep = np.asarray(picture_of("4711")).astype(np.uint16) * 257
    Image.fromarray(deep).save(source / "deep.png")
    (source / "deep.gt.txt").write_text("4711")
    manifest = import_from(source, tmp_path / "out").manifest
    found = {name: pixels for lines in lines_of(tmp_path / "out", manifest).values() for name, _, pixels in lines}
    assert found["deep.png"] == as_cut(source / "deep.png").tobytes()
