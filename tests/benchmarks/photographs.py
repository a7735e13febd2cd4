"""Makes pictures of printed digits without the factory, to measure a reader with: 80 lines of four kinds.

Run as `python -m tests.benchmarks.photographs FOLDER`, or `make photographs`, which installs what it needs and lets
MODEL read them. ImageMagick draws the text in fonts that no recipe uses, on gray paper, lights it from one side, turns
and warps it, blurs it, adds grain and compresses it strongly as JPEG. The text of NAME.png is in NAME.gt.txt; the name
begins with the kind:
  light    a gray, uneven background
  zero     zeros with a slash or a dot
  cut      the crop runs through the first or the last character, a fifth of its width is gone
  turned   up to 2.5 degrees, seen from the side
All four have the light, the blur and the compression, with strengths that are drawn from one seed.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

FONTS = Path("/usr/share/fonts")
PLAIN = (
    *("truetype/crosextra/Carlito-Regular.ttf", "truetype/crosextra/Carlito-Bold.ttf"),
    *("truetype/crosextra/Caladea-Regular.ttf", "truetype/crosextra/Caladea-Bold.ttf"),
    *("fonts-go/Go-Regular.ttf", "fonts-go/Go-Bold.ttf", "opentype/cantarell/Cantarell-Regular.otf"),
    *("opentype/roboto/slab/RobotoSlab-Regular.otf", "opentype/roboto/slab/RobotoSlab-Bold.otf"),
    "truetype/gentium/Gentium-R.ttf",
)
SLASHED_OR_DOTTED = (
    *("fonts-go/Go-Mono.ttf", "truetype/mononoki/mononoki-Regular.ttf", "truetype/hermit/Hermit-medium.otf"),
    *("truetype/agave/agave-r-autohinted.ttf", "truetype/monoid/Monoid-Regular.ttf"),
    "truetype/fantasque-sans/Normal/TTF/FantasqueSansMono-Regular.ttf",
)
KINDS = ("light", "zero", "cut", "turned")
LINES_A_KIND = 20
POINT_SIZE = 64  # pixels; a digit is about 46 high before it is photographed


def draw_text(kind: str, rng: Random) -> str:
    """An integer of 1 to 10 digits, an amount, a date or a time; with at least one zero for the kind `zero`."""
    while True:
        digits = "".join(rng.choices("0123456789", k=rng.randint(1, 10)))
        amount = f"{rng.randint(0, 9999)}.{rng.randint(0, 99):02}"
        date = f"{rng.randint(1, 28):02}/{rng.randint(1, 12):02}/{rng.randint(1990, 2026)}"
        time = f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"
        text = rng.choice((digits, digits, amount, amount, date, time))
        if (kind != "zero" or "0" in text) and (kind != "cut" or len(text) > 1):
            return text


def convert(*arguments: object) -> str:
    """Runs ImageMagick and returns what it printed."""
    return subprocess.run(["convert", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def photograph(text: str, kind: str, out: Path, rng: Random) -> None:
    """Writes the picture of one line."""
    face = FONTS / rng.choice(SLASHED_OR_DOTTED if kind == "zero" else PLAIN)
    paper, ink = rng.randint(150, 225), rng.randint(10, 80)
    with tempfile.TemporaryDirectory() as name:
        printed, lit, saved = (Path(name) / f for f in ("printed.png", "lit.png", "saved.jpg"))
        # `label:` makes a picture as large as the text; it is trimmed to the ink.
        convert("-background", f"gray({paper})", "-fill", f"gray({ink})", "-font", face, "-pointsize", POINT_SIZE,
                f"label:{text}", "-trim", "+repage", printed)  # fmt: skip
        width, height = map(int, convert(printed, "-format", "%w %h", "info:").split())
        margins = [rng.randint(6, 22) for _ in range(4)]
        if kind == "cut":
            lost = round(0.2 * width / len(text))  # of a character's share of the line
            west = rng.random() < 0.5
            convert(printed, "-gravity", "West" if west else "East", "-chop", f"{lost}x0", printed)
            margins[0 if west else 1] = 0
            width -= lost
        left, right, above, below = margins
        convert(printed, "-bordercolor", f"gray({paper})", "-compose", "Copy", "-border", "40",
                "-crop", f"{width + left + right}x{height + above + below}+{40 - left}+{40 - above}", "+repage",
                printed)  # fmt: skip
        size = f"{width + left + right}x{height + above + below}"
        shade = sorted(rng.sample(range(95, 256), 2), reverse=rng.random() < 0.5)
        angle = rng.randint(0, 359)
        convert(printed, "(", "-size", size, "-define", f"gradient:angle={angle}",
                f"gradient:gray({shade[0]})-gray({shade[1]})", ")", "-compose", "Multiply", "-composite", lit)  # fmt: skip
        steps: list[object] = []
        if kind == "turned":
            w, h = map(int, size.split("x"))
            moved = [(x + rng.uniform(-0.06, 0.06) * h, y + rng.uniform(-0.06, 0.06) * h)
                     for x, y in ((0, 0), (w, 0), (w, h), (0, h))]  # fmt: skip
            corners = " ".join(f"{a},{b},{c:.2f},{d:.2f}" for (a, b), (c, d) in zip(
                ((0, 0), (w, 0), (w, h), (0, h)), moved, strict=True))  # fmt: skip
            turn = rng.uniform(-2.5, 2.5)
            steps += ["-virtual-pixel", "Edge", "-distort", "Perspective", corners, "-distort", "SRT", f"{turn:.2f}"]
        steps += ["-blur", f"0x{rng.uniform(0.6, 2.2):.2f}", "-resize", f"{rng.randint(38, 75)}%"]
        steps += ["-seed", rng.randint(0, 2**31 - 1), "-attenuate", f"{rng.uniform(0.1, 0.5):.2f}"]
        steps += ["+noise", "Gaussian", "-colorspace", "Gray", "-quality", rng.randint(25, 70)]
        convert(lit, *steps, saved)
        convert(saved, out)


def make_photographs(folder: Path) -> None:
    """Writes the pairs into a folder, always the same ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        rng = Random(f"photographs {kind}")
        for number in range(LINES_A_KIND):
            text = draw_text(kind, rng)
            photograph(text, kind, folder / f"{kind}-{number:02}.png", rng)
            (folder / f"{kind}-{number:02}.gt.txt").write_text(text + "\n")


if __name__ == "__main__":
    make_photographs(Path(sys.argv[1]))
    print(f"{sys.argv[1]}: {len(KINDS) * LINES_A_KIND} lines")
