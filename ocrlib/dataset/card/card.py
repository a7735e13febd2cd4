"""The dataset card: what a dataset holds, as `card.txt`, `card.html`, `README.md` and `preview.png` in its folder.

The manifest lists none of them, because all can be made again at any time.
"""

import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from ocrlib.dataset.card.counts import LineCounts, binned, count_lines, visible
from ocrlib.dataset.card.page import MARK, card_page, readme
from ocrlib.dataset.card.preview import draw_preview, preview_lines
from ocrlib.dataset.manifest import FILE_NAME, Manifest, ShardEntry, read_manifest
from ocrlib.errors import UserError
from ocrlib.files import read_regular, write_bytes

CARD_NAME = "card.txt"
PREVIEW_NAME = "preview.png"
PAGE_NAME = "card.html"
README_NAME = "README.md"
MAX_README_BYTES = 1 << 20  # 1 MiB
_BAR_LENGTH = 40  # characters of the longest bar
_MAX_CHARACTERS = 100  # that get a bar each; the rarer ones share one line
_MAX_FOLDERS = 20  # of imported lines
_NUM_RAREST = 5


def write_card(folder: Path, split: str | None = None, trust: bool = False) -> str:
    """Writes the card of a dataset into its folder; of one split alone only `card-SPLIT.txt` and `preview-SPLIT.png`.

    A README.md that is not one of ours stays as it is.

    Args:
      folder: of the dataset.
      split: to tell of; None for all.
      trust: open the fonts that the recipe names, for characters that matplotlib's lack.

    Returns:
      The text; its last line says where the picture is.

    Raises:
      UserError: no dataset, no such split, a damaged shard, or a folder that cannot be written.
    """
    manifest = read_manifest(folder)
    filled = [name for name, entry in manifest.splits.items() if entry.samples]
    if split is not None and split not in filled:
        raise UserError(f"{folder}: has no split '{split}'; expected one of {', '.join(filled)}")
    splits = filled if split is None else [split]
    text_path, picture_path = folder / CARD_NAME, folder / PREVIEW_NAME
    if split is not None:
        text_path, picture_path = (path.with_stem(f"{path.stem}-{split}") for path in (text_path, picture_path))

    counts = count_lines(folder, manifest, splits)
    text = f"{card_text(manifest, counts, splits)}\npicture: {picture_path}\n"
    shown = "train" if "train" in splits else splits[0]
    lines = preview_lines(folder, manifest, shown)
    picture = draw_preview(manifest, counts, lines, trust)
    files = {picture_path: picture, text_path: text.encode()}
    if split is None:
        files[folder / PAGE_NAME] = card_page(manifest, counts, splits, lines).encode()
        if _is_ours(folder / README_NAME):
            files[folder / README_NAME] = readme(manifest, splits).encode()
    try:
        for path, data in files.items():
            write_bytes(path, data)
    except OSError as error:
        raise UserError(f"{error.filename or folder}: cannot be written: {os.strerror(error.errno or 0)}") from None
    return text


def is_current(folder: Path) -> bool:
    """Returns whether a dataset has a card that is newer than its manifest.

    A set that grew and was stopped before its card was written has the card of the smaller set.
    """
    try:
        made = (folder / FILE_NAME).stat().st_mtime_ns
        return all((folder / name).stat().st_mtime_ns >= made for name in (PREVIEW_NAME, CARD_NAME, PAGE_NAME))
    except FileNotFoundError:
        return False


def _is_ours(path: Path) -> bool:
    """Whether a README.md may be written: there is none, or one that a card has written."""
    try:
        return MARK.encode() in read_regular(path, MAX_README_BYTES)
    except FileNotFoundError:
        return True
    except OSError:  # a link, or something large
        return False


def card_text(manifest: Manifest, counts: LineCounts, splits: Sequence[str]) -> str:
    """Returns the card of `splits`, all but its last line."""
    image = manifest.image
    sections = [
        [f"{manifest.name}, fingerprint {manifest.fingerprint}"],
        _size_lines(manifest, splits),
        [
            f"images: {image.height} px high, {_plural(image.channels, 'channel')}, {image.encoding}",
            f"charset, {len(manifest.charset)} characters: {manifest.charset}",
            f"widest line: {max(counts.widths)} px, {counts.widest_id}",
            *([] if manifest.imported else _change_lines(counts)),
        ],
        *(_import_sections(manifest, counts) if manifest.imported else _drawing_sections(manifest, counts, splits)),
        ["width in pixels:", *_bars(binned(counts.widths))],
        ["label length in characters:", *_bars(binned(counts.lengths))],
        _character_lines(manifest, counts),
        [] if manifest.imported else _font_lines(manifest, counts),
    ]
    return "\n".join("\n".join(lines) + "\n" for lines in sections if lines)


def _import_sections(manifest: Manifest, counts: LineCounts) -> list[list[str]]:
    """Where the lines are from, and what could not be used; the rejects are of all splits."""
    sources = [(f"{source['path']} ({source['layout']})", source["lines"]) for source in manifest.recipe["sources"]]
    folders = counts.sources.most_common(_MAX_FOLDERS)
    others = [f"  and {len(counts.sources) - len(folders)} more"] if len(counts.sources) > len(folders) else []
    rejected = sorted(manifest.rejected.items(), key=lambda item: -item[1])
    return [
        ["imported from:", *_table(sources)],
        ["left out:", *_table(rejected)] if rejected else ["left out: nothing"],
        ["folders:", *_table(folders), *others],
    ]


def _drawing_sections(manifest: Manifest, counts: LineCounts, splits: Sequence[str]) -> list[list[str]]:
    """How the lines were drawn."""
    return [
        _reject_lines(manifest, splits),
        ["text sources:", *_table(counts.sources.most_common())],
        _outside_lines(manifest),
        ["backgrounds:", *_table(counts.backgrounds.most_common())],
        ["degradations:", *_table(counts.degradations.most_common())] if counts.degradations else [],
    ]


def _outside_lines(manifest: Manifest) -> list[str]:
    outside = manifest.outside_charset
    if outside is None:
        return []
    characters = [(visible(character), lines) for character, lines in outside.characters.items()]
    return [f"outside the charset, {outside.lines:,} of {outside.of:,} lines left out:", *_table(characters)]


def _change_lines(counts: LineCounts) -> list[str]:
    return [
        f"skew: {min(counts.skews)} to {max(counts.skews)} degrees",
        f"blur: {counts.blur_range_px[0]:g} to {counts.blur_range_px[1]:g} px",
    ]


def _size_lines(manifest: Manifest, splits: Sequence[str]) -> list[str]:
    lines = []
    for split in splits:
        entry = manifest.splits[split]
        lines.append(f"{split}: {_plural(entry.samples, 'sample')} in {_plural(len(entry.shards), 'shard')}")
    if len(splits) > 1:
        lines.append(f"together: {sum(manifest.splits[split].samples for split in splits):,} samples")
    num_bytes: Counter[str] = Counter()
    for shard in _shards_of(manifest, splits):
        num_bytes.update({file_format: file.bytes for file_format, file in shard.files.items()})
    lines += [f"{file_format}: {size:,} bytes on disk" for file_format, size in num_bytes.items()]
    return lines


def _shards_of(manifest: Manifest, splits: Sequence[str]) -> list[ShardEntry]:
    return [shard for split in splits for shard in manifest.splits[split].shards]


def _reject_lines(manifest: Manifest, splits: Sequence[str]) -> list[str]:
    rejected: Counter[str] = Counter()
    for shard in _shards_of(manifest, splits):
        rejected.update(shard.rejected)
    return ["drawn again:", *_table(rejected.most_common())] if rejected else ["drawn again: nothing"]


def _character_lines(manifest: Manifest, counts: LineCounts) -> list[str]:
    ranked = counts.characters.most_common()
    rarest = [f"{visible(c)} ({count:,})" for c, count in reversed(ranked[-_NUM_RAREST:])]
    never = [visible(c) for c in manifest.charset if c not in counts.characters]
    beyond = ranked[_MAX_CHARACTERS:]
    lines = [
        f"characters, {counts.characters.total():,} printed:",
        *_bars([(visible(c), count) for c, count in ranked[:_MAX_CHARACTERS]]),
    ]
    if beyond:
        lines.append(f"  and {len(beyond)} rarer ones, {sum(count for _, count in beyond):,} together")
    lines.append(f"  rarest: {', '.join(rarest)}")
    if never:
        lines.append(f"  never: {' '.join(never)}")
    return lines


def _font_lines(manifest: Manifest, counts: LineCounts) -> list[str]:
    lines = [f"fonts, {len(counts.fonts)}:", *_table(counts.fonts.most_common())]
    unused = sorted(set(manifest.fonts.get("used", ())) - set(counts.fonts))
    if unused:
        lines += ["fonts that no line happened to draw:", *(f"  {name}" for name in unused)]
    left_out = manifest.fonts.get("left_out", {})
    if left_out:
        lines += ["fonts left out:", *(f"  {name}: {why}" for name, why in sorted(left_out.items()))]
    return lines


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + "s" * (count != 1)


def _table(rows: Iterable[tuple[str, int]]) -> list[str]:
    """Returns a line for each name, with its count; the counts are aligned."""
    rows = list(rows)
    digits = max((len(f"{count:,}") for _, count in rows), default=0)
    return [f"  {count:>{digits},}  {name}" for name, count in rows]


def _bars(rows: Sequence[tuple[str, int]]) -> list[str]:
    """Returns a line for each name, with its count and a bar; the largest count has the longest bar."""
    names = max(len(name) for name, _ in rows)
    digits = max(len(f"{count:,}") for _, count in rows)
    most = max(count for _, count in rows)
    return [
        f"  {name:>{names}}  {count:>{digits},}  {'#' * math.ceil(_BAR_LENGTH * count / most)}".rstrip()
        for name, count in rows
    ]
