"""The picture of a dataset card: 64 lines with their labels, and below them three histograms."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocrlib.dataset.card.counts import LineCounts
from ocrlib.dataset.manifest import Manifest, ShardEntry
from ocrlib.dataset.shards import image_at, shard_columns
from ocrlib.output import shown
from ocrlib.private import import_matplotlib, matplotlib_fonts
from ocrlib.rounding import ceil_div

COLUMNS = ROWS = 8
MIN_CELL_PX, MAX_CELL_PX = 150, 360  # limits of a cell's width; between them, nine lines in ten fit unchanged
HISTOGRAM_PX = 340  # height
_GAP_PX = 12
_LABEL_PX = 13  # font size
_LABEL_ROW_PX = 20
_MIN_SCALE = 0.5  # a line that is still too wide at this scale is cut
_MAX_BINS = 60  # of a histogram of numbers
_MAX_LABELLED = 60  # characters that are named below their bars
_CANDIDATES = ("DejaVuSansMono.ttf", "DejaVuSans.ttf", "STIXGeneral.ttf")  # from matplotlib's package
_FONT_ENDINGS = (".ttf", ".otf")
_INK, _PAPER, _FRAME, _LABEL, _BAR = "black", "white", "#d0d0d0", "#404040", "#4878a8"


def preview_lines(folder: Path, manifest: Manifest, split: str) -> list[tuple[np.ndarray, str]]:
    """Returns up to 64 images with their labels, evenly spread over a split: the same ones each time.

    Raises:
      UserError: a shard cannot be read.
    """
    num_samples = manifest.splits[split].samples
    num_lines = min(COLUMNS * ROWS, num_samples)
    wanted = [i * num_samples // num_lines for i in range(num_lines)]
    lines = []
    for place, shard in zip(manifest.plan, manifest.shards, strict=True):
        chosen = [i - place.start for i in wanted if place.start <= i < place.stop]
        if place.split == split and chosen:
            lines += _lines_of(folder, manifest, shard, chosen)
    return lines


def _lines_of(folder: Path, manifest: Manifest, shard: ShardEntry, chosen: list[int]) -> list[tuple[np.ndarray, str]]:
    """Returns lines of one shard; a function, so that its pixels leave the memory before the next shard is read."""
    columns = shard_columns(folder, shard, manifest.image, ["pixels", "offsets", "text"])
    return [(image_at(columns, i, manifest.image), columns["text"][i]) for i in chosen]


def draw_preview(
    manifest: Manifest, counts: LineCounts, lines: list[tuple[np.ndarray, str]], trust: bool = False
) -> bytes:
    """Returns the PNG of a contact sheet of `lines` above the histograms of `counts`; trust as for `find_font`."""
    font_path = find_font(manifest, trust)
    sheet = draw_sheet(lines, cell_width(counts), manifest.image.height, font_path)
    histograms = draw_histograms(counts, sheet.width, font_path)
    picture = Image.new("RGB", (sheet.width, sheet.height + histograms.height), _PAPER)
    picture.paste(sheet, (0, 0))
    picture.paste(histograms, (0, sheet.height))
    stream = BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def cell_width(counts: LineCounts) -> int:
    """Returns the width of a cell in pixels."""
    widths = np.fromiter(counts.widths.elements(), np.int32, counts.widths.total())
    return int(np.clip(np.quantile(widths, 0.9), MIN_CELL_PX, MAX_CELL_PX))


def draw_sheet(lines: list[tuple[np.ndarray, str]], width_px: int, height_px: int, font_path: Path) -> Image.Image:
    """Returns a grid of lines, each in a cell of `width_px` with its label underneath."""
    # Basic: the other way to lay letters out raises where a text mixes directions in a way that it cannot follow.
    font = ImageFont.truetype(str(font_path), _LABEL_PX, layout_engine=ImageFont.Layout.BASIC)
    across, down = width_px + _GAP_PX, height_px + _LABEL_ROW_PX + _GAP_PX
    rows = ceil_div(len(lines), COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * across + _GAP_PX, rows * down + _GAP_PX), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, (pixels, text) in enumerate(lines):
        x, y = _GAP_PX + i % COLUMNS * across, _GAP_PX + i // COLUMNS * down
        line = _fitted(Image.fromarray(pixels), width_px)
        draw.rectangle((x - 1, y - 1, x + line.width, y + line.height), outline=_FRAME)
        sheet.paste(line, (x, y))
        draw.text((x, y + height_px + 1), _shortened(shown(text), font, width_px), font=font, fill=_LABEL)
    return sheet


def draw_histograms(counts: LineCounts, width_px: int, font_path: Path) -> Image.Image:
    """Returns bars of width, label length and characters side by side."""
    import_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

    figure = Figure(figsize=(width_px / 100, HISTOGRAM_PX / 100), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    widths, lengths, characters = figure.subplots(1, 3)
    for axes, counter, name in ((widths, counts.widths, "width, px"), (lengths, counts.lengths, "label, characters")):
        low, values = min(counter), max(counter) - min(counter) + 1
        size = ceil_div(values, _MAX_BINS)  # a whole number, so that each bin counts equally many values
        bins = ceil_div(values, size)
        span = (low - 0.5, low - 0.5 + bins * size)
        axes.hist(list(counter), bins=bins, range=span, weights=list(counter.values()), color=_BAR)
        axes.set_xlabel(name)
        axes.set_ylabel("lines")
    ranked = counts.characters.most_common()
    characters.bar(range(len(ranked)), [count for _, count in ranked], color=_BAR)
    characters.set_xlabel("character")
    characters.set_ylabel("times printed")
    step = ceil_div(len(ranked), _MAX_LABELLED)
    labels = ["␣" if c == " " else c for c, _ in ranked[::step]]
    characters.set_xticks(range(0, len(ranked), step), labels, parse_math=False)
    for label in characters.get_xticklabels():
        label.set_fontproperties(FontProperties(fname=str(font_path), size=9))
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def find_font(manifest: Manifest, trust: bool = False) -> Path:
    """Returns a font file that has the whole charset, or the one that has most of it.

    Args:
      manifest: of the dataset.
      trust: look also at the files and folders that the recipe names. A recipe that came from elsewhere may name any.
    """
    import_matplotlib()
    from matplotlib.ft2font import FT2Font

    paths = [matplotlib_fonts() / name for name in _CANDIDATES]
    for source in map(Path, manifest.font_sources if trust else ()):
        paths += [source] if source.is_file() else sorted(source.rglob("*")) if source.is_dir() else []
    wanted = {ord(character) for character in manifest.charset}
    best, most = paths[0], -1
    for path in paths:
        if path.suffix.lower() in _FONT_ENDINGS:
            try:
                covered = len(wanted & FT2Font(str(path)).get_charmap().keys())
            except (OSError, RuntimeError):
                continue
            if covered > most:
                best, most = path, covered
            if covered == len(wanted):
                break
    return best


def _fitted(line: Image.Image, width_px: int) -> Image.Image:
    """Returns a line no wider than `width_px`: shrunk if it is wider, and cut at the right if that is not enough."""
    scale = max(_MIN_SCALE, min(1.0, width_px / line.width))
    if scale < 1:
        size = (max(1, round(line.width * scale)), max(1, round(line.height * scale)))
        line = line.resize(size, Image.Resampling.LANCZOS)
    return line.crop((0, 0, min(line.width, width_px), line.height))


def _shortened(text: str, font: ImageFont.FreeTypeFont, width_px: int) -> str:
    """Returns the text, or its beginning and an ellipsis if it does not fit into `width_px`."""
    if font.getlength(text) <= width_px:
        return text
    while text and font.getlength(text + "…") > width_px:
        text = text[:-1]
    return text + "…"
