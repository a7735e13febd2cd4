"""The card of a dataset made by hand, so that every number can be checked against the page."""

import json
import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ocrlib.dataset import hdf5, tfrecord
from ocrlib.dataset.card import preview
from ocrlib.dataset.card.card import CARD_NAME, PREVIEW_NAME, is_current, write_card
from ocrlib.dataset.card.counts import count_lines
from ocrlib.dataset.card.preview import preview_lines
from ocrlib.dataset.manifest import FileFormat, ShardEntry, read_manifest
from ocrlib.dataset.sample import PROVENANCE, Sample, sample_id
from ocrlib.dataset.shards import FORMATS, shard_columns, write_shard
from ocrlib.dataset.verify import verify_shards
from ocrlib.errors import UserError
from tests.programs import run_code
from tests.training_fixtures import manifest_values, write_dataset, write_dataset_manifest

HEIGHT = 16

# Shard by shard: text, width, font, background, skew, blur, source.
SHARDS = {
    "train-00000-of-00002": [
        ("10", 40, "Serif.ttf", "plain_white", -2, 0.5, "numeric:integer"),
        ("1.00", 72, "Mono.ttf", "plain_white", 1, 0.0, "numeric:amount"),
    ],
    "train-00001-of-00002": [("110", 48, "Serif.ttf", "gaussian_noise", 0, 1.25, "numeric:integer")],
    "val-00000-of-00001": [("9", 24, "Serif.ttf", "plain_white", 2, 0.25, "numeric:integer")],
}
REJECTED = {"train-00000-of-00002": {"low-contrast": 3}, "val-00000-of-00001": {"low-contrast": 1, "too-narrow": 2}}


def make_samples(split: str, start: int, rows: list[tuple]) -> list[Sample]:
    samples = []
    for index, (text, width, font, background, skew, blur, source) in enumerate(rows, start):
        provenance = {name: kind() for name, kind in PROVENANCE.items()} | {
            "font": font,
            "background": background,
            "skew_deg": skew,
            "blur_px": blur,
            "source": source,
        }
        image = np.full((HEIGHT, width), 100 + index, np.uint8)
        samples.append(Sample(id=sample_id(split, index), text=text, image=image, provenance=provenance))
    return samples


def make_folder(folder: Path, formats: tuple[FileFormat, ...]) -> Path:
    folder.mkdir()
    splits: dict[str, list[ShardEntry]] = {}
    for stem, rows in SHARDS.items():
        entries = splits.setdefault(stem.partition("-")[0], [])
        samples = make_samples(stem.partition("-")[0], sum(entry.samples for entry in entries), rows)
        rejected = REJECTED.get(stem, {})
        entries.append(write_shard(folder, stem, samples, formats=formats, encoding="raw", rejected=rejected))
    write_dataset_manifest(
        folder,
        splits,
        charset="019.-",
        height=HEIGHT,
        fingerprint="ab" * 32,
        recipe={"text": {"source": "numeric"}, "render": {"fonts": [{"source": "trdg:latin", "weight": None}]}},
        rejected={"low-contrast": 4, "too-narrow": 2},
        fonts={"used": ["Mono.ttf", "Sans.ttf", "Serif.ttf"], "left_out": {"Signs.ttf": "lacks 01"}},
    )
    return folder


@pytest.fixture(params=["tfrecord", "hdf5", "both"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    formats = ("tfrecord", "hdf5") if request.param == "both" else (request.param,)
    return make_folder(tmp_path / "hand", formats)


def without_sizes(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if "bytes on disk" not in line)


WHOLE = f"""\
hand, fingerprint {"ab" * 32}

train: 3 samples in 2 shards
val: 1 sample in 1 shard
together: 4 samples

images: 16 px high, 1 channel, raw
charset, 5 characters: 019.-
widest line: 72 px, train-000000001
skew: -2 to 2 degrees
blur: 0 to 1.25 px

drawn again:
  4  low-contrast
  2  too-narrow

text sources:
  3  numeric:integer
  1  numeric:amount

backgrounds:
  3  plain_white
  1  gaussian_noise

width in pixels:
  20-24  1  ########################################
  25-29  0
  30-34  0
  35-39  0
  40-44  1  ########################################
  45-49  1  ########################################
  50-54  0
  55-59  0
  60-64  0
  65-69  0
  70-74  1  ########################################

label length in characters:
  1  1  ########################################
  2  1  ########################################
  3  1  ########################################
  4  1  ########################################

characters, 10 printed:
  1  4  ########################################
  0  4  ########################################
  .  1  ##########
  9  1  ##########
  rarest: 9 (1), . (1), 0 (4), 1 (4)
  never: -

fonts, 2:
  3  Serif.ttf
  1  Mono.ttf
fonts that no line happened to draw:
  Sans.ttf
fonts left out:
  Signs.ttf: lacks 01

picture: @/preview.png
"""


def test_every_figure_of_the_card(folder: Path) -> None:
    text = write_card(folder)
    assert without_sizes(text) == WHOLE.replace("@", str(folder))
    assert (folder / CARD_NAME).read_text() == text
    for file_format, entries in read_manifest(folder).splits["train"].shards[0].files.items():
        ending = FORMATS[file_format].ENDING
        size = sum(path.stat().st_size for path in folder.glob(f"*{ending}"))
        assert f"{file_format}: {size:,} bytes on disk\n" in text and entries.name.endswith(ending)


def test_the_card_of_one_split(folder: Path) -> None:
    text = write_card(folder, "val")
    assert "val: 1 sample in 1 shard\n" in text and "train:" not in text and "together" not in text
    assert "  1  low-contrast\n" in text and "  2  too-narrow\n" in text
    assert "widest line: 24 px, val-000000000\n" in text
    assert text.endswith(f"picture: {folder}/preview-val.png\n")
    assert sorted(path.name for path in folder.glob("*[!h5d]")) == ["card-val.txt", "manifest.json", "preview-val.png"]


def test_the_picture_shows_the_lines_and_has_its_size(folder: Path) -> None:
    write_card(folder)
    picture = np.asarray(Image.open(folder / PREVIEW_NAME))
    gap, label_row = preview._GAP_PX, preview._LABEL_ROW_PX
    # Three lines of train, all in the first row; all narrower than the narrowest cell.
    row_height = HEIGHT + label_row + gap
    across = preview.MIN_CELL_PX + gap
    assert picture.shape == (gap + row_height + preview.HISTOGRAM_PX, gap + 8 * across, 3)
    for number, width in enumerate((40, 72, 48)):
        x = gap + number * across
        assert (picture[gap : gap + HEIGHT, x : x + width] == 100 + number).all()
        label = picture[gap + HEIGHT + 1 : gap + row_height - gap, x : x + across]
        assert label.min() < 128, "a label is missing"
    assert (picture[gap : gap + HEIGHT, gap + 3 * across :] == 255).all(), "no fourth line in train"
    histograms = picture[gap + row_height :]
    for third in np.array_split(histograms, 3, axis=1):
        blue = (third == tuple(bytes.fromhex(preview._BAR[1:]))).all(axis=2)
        assert blue.mean() > 0.03, "a histogram has no bars"


def test_the_same_card_twice_to_the_byte(folder: Path) -> None:
    made = []
    for _ in range(2):
        write_card(folder)
        made.append(((folder / CARD_NAME).read_bytes(), (folder / PREVIEW_NAME).read_bytes()))
        (folder / CARD_NAME).unlink()
        (folder / PREVIEW_NAME).unlink()
    assert made[0] == made[1]


def test_a_missing_cut_or_damaged_shard_is_one_line(folder: Path) -> None:
    manifest = read_manifest(folder)
    files = manifest.splits["train"].shards[1].files
    path = folder / (files.get("hdf5") or files["tfrecord"]).name
    whole = path.read_bytes()
    damaged = bytearray(whole)
    where = whole.index(b"110")  # the label, under a checksum in both formats
    damaged[where] ^= 1
    for data, complaint in ((None, "is missing"), (whole[:-9], "expected"), (bytes(damaged), "cannot be read")):
        path.unlink()
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(UserError) as caught:
            write_card(folder)
        if data is None:
            path.write_bytes(whole)
        message = str(caught.value)
        assert message.startswith(f"{path}: ") and complaint in message and "\n" not in message
        assert not (folder / CARD_NAME).exists() and not (folder / PREVIEW_NAME).exists()


def test_a_shard_with_another_number_of_samples_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "hand", ("tfrecord",))
    values = manifest_values(folder)
    shard = values["splits"]["train"]["shards"][0]
    cut = (folder / "train-00000-of-00002.tfrecord").read_bytes()
    cut = cut[: cut.index(b"train-000000001")]  # somewhere in the second record
    one = tfrecord.encode_shard(make_samples("train", 0, SHARDS["train-00000-of-00002"][:1]), "raw")
    assert len(one) < len(cut)
    (folder / "train-00000-of-00002.tfrecord").write_bytes(one)
    shard["files"]["tfrecord"]["bytes"] = len(one)
    (folder / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(UserError, match="expected 2 samples, found 1"):
        write_card(folder)


def test_an_unknown_split_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="has no split 'tset'; expected one of train, val"):
        write_card(folder, "tset")


def test_card_files_do_not_count_as_files_of_the_dataset(folder: Path) -> None:
    write_card(folder)
    assert verify_shards(folder, read_manifest(folder)) == {}


def test_lines_are_spread_over_the_split(tiny_dataset: Path) -> None:
    manifest = read_manifest(tiny_dataset)
    stored = [text for s in manifest.splits["train"].shards for text in hdf5_texts(tiny_dataset, s.stem)]
    lines = preview_lines(tiny_dataset, manifest, "train")
    assert [text for _, text in lines] == [stored[i * 80 // 64] for i in range(64)]
    assert all(pixels.shape[0] == 32 for pixels, _ in lines)


def test_the_pixels_of_one_shard_leave_the_memory_before_the_next_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[weakref.ref[np.ndarray]] = []

    def watched(*arguments: Any) -> dict[str, np.ndarray]:
        assert all(pixels() is None for pixels in read)
        columns = shard_columns(*arguments)
        read.append(weakref.ref(columns["pixels"]))
        return columns

    monkeypatch.setattr(preview, "shard_columns", watched)
    preview_lines(folder, read_manifest(folder), "train")
    assert len(read) == 2


def hdf5_texts(folder: Path, stem: str) -> list[str]:
    return list(hdf5.read_columns(folder / f"{stem}.h5", ["text"])["text"])


def test_counts_do_not_depend_on_the_format(tmp_path: Path) -> None:
    counts = []
    for formats in (("tfrecord",), ("hdf5",)):
        folder = make_folder(tmp_path / formats[0], formats)
        counts.append(count_lines(folder, read_manifest(folder), ["train", "val"]))
    assert counts[0] == counts[1] and counts[0].widths == {40: 1, 72: 1, 48: 1, 24: 1}


def test_the_command_prints_the_card_without_tensorflow(tiny_copy: Path) -> None:
    script = (
        "import sys; from ocrlib.cli import main; code = main(); "
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules; sys.exit(code)"
    )
    for name in (CARD_NAME, PREVIEW_NAME):  # written by generate_data.py
        (tiny_copy / name).unlink()
    printed = run_code(script, "card", tiny_copy)
    assert printed.splitlines()[-1] == f"picture: {tiny_copy / PREVIEW_NAME}"
    assert printed == (tiny_copy / CARD_NAME).read_text()
    assert (tiny_copy / PREVIEW_NAME).stat().st_size > 10_000


def test_long_lines_are_shrunk_then_cut_and_labels_shortened() -> None:
    lines = [(np.zeros((32, width), np.uint8), "9" * (width // 10)) for width in (100, 500, 2000)]
    font = preview.find_font(read_charset("0123456789"))
    sheet = np.asarray(preview.draw_sheet(lines, 360, 32, font))
    black = (sheet == 0).all(axis=2)[preview._GAP_PX : preview._GAP_PX + 32]
    across = 360 + preview._GAP_PX
    sizes = []
    for number in range(3):
        cell = black[:, preview._GAP_PX + number * across :][:, :across]
        sizes.append((int(cell.any(axis=0).sum()), int(cell.any(axis=1).sum())))
    assert sizes == [(100, 32), (360, 23), (360, 16)]


def read_charset(charset: str):
    """A manifest as far as `find_font` looks at one."""
    from types import SimpleNamespace

    return SimpleNamespace(recipe={}, charset=charset)


@pytest.mark.parametrize("charset", ["0123456789", "Žluťoučký §€½ ©", "αβγ абв"])
def test_the_label_font_has_the_charset(charset: str) -> None:
    from matplotlib.ft2font import FT2Font

    path = preview.find_font(read_charset(charset))
    assert set(map(ord, charset)) <= FT2Font(str(path)).get_charmap().keys()


def test_a_set_that_grew_and_was_stopped_before_its_card_has_none_that_is_current(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"train": ["1"]})
    assert not is_current(folder)
    write_card(folder)
    assert is_current(folder)
    later = (folder / "preview.png").stat().st_mtime_ns + 1
    os.utime(folder / "manifest.json", ns=(later, later))
    assert not is_current(folder)
