"""Draws the pictures of README.md: `make screens`. A dataset, a run and the pages of ocrlib, as Chromium shows them."""

import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from ocrlib.dataset.card.card import PAGE_NAME
from ocrlib.errors import UserError
from ocrlib.reading.recognizer import Recognizer
from ocrlib.web.desk import Desk
from ocrlib.web.report import REPORT_NAME
from ocrlib.web.review import review_app
from ocrlib.web.serve import listen, make_server

ROOT = Path(__file__).parents[1]
SHOWN = ROOT / "docs" / "pictures"
MAX_BYTES = 300_000  # of all together
MODEL = "display"  # is unsure of some of the examples
STRIP_PX = 304  # of the height of a strip of predictions: four lines
DATASET_PX = 330  # of the height of the lines of a dataset


def main() -> None:
    """Takes a dataset and a run of it, and draws four pictures."""
    dataset, run = map(Path, sys.argv[1:])
    for path in (dataset / PAGE_NAME, run / REPORT_NAME):
        if not path.exists():
            raise UserError(f"{path}: is not there; `make train` makes both")
    paths = [SHOWN / f"{name}.png" for name in ("dataset", "training", "desk", "report")]
    _draw_strips(run, paths[1])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 900, "height": 520})
        page.goto(f"file://{(dataset / PAGE_NAME).resolve()}")
        page.locator("ul.pictures").first.screenshot(path=paths[0])
        page.goto(f"file://{(run / REPORT_NAME).resolve()}")
        page.screenshot(path=paths[3])
        with _desk() as address:
            page.goto(address)
            page.wait_for_selector("#desk:not([hidden])")
            page.wait_for_function("() => document.getElementById('picture').style.width !== ''")
            page.screenshot(path=paths[2])
        browser.close()
    for path in paths:
        _shrink(path, DATASET_PX if path.stem == "dataset" else None)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
    assert sum(path.stat().st_size for path in paths) <= MAX_BYTES, (
        f"README's pictures have more than {MAX_BYTES} bytes"
    )


@contextmanager
def _desk() -> Iterator[str]:
    """Serves the labelling desk on the examples, without their texts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "examples"
        folder.mkdir()
        for path in (ROOT / "examples").glob("*.png"):
            shutil.copy(path, folder)
        desk = Desk(Recognizer.load(MODEL), folder, model=MODEL)
        desk.start()
        with listen(0) as listening:
            server, address = make_server(review_app(desk, "examples"), listening)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            yield address
            server.should_exit = True
            thread.join()
        desk.stop()


def _draw_strips(run: Path, out: Path) -> None:
    """Draws the first lines of the first epoch's predictions beside those of an epoch in the middle and the last."""
    paths = sorted((run / "predictions").glob("epoch-*.png"))
    strips = [Image.open(path).convert("RGB") for path in (paths[0], paths[len(paths) // 2], paths[-1])]
    width = min(280, max(strip.width for strip in strips))
    sheet = Image.new("RGB", (width * len(strips), STRIP_PX), "white")
    for number, strip in enumerate(strips):
        sheet.paste(strip.crop((0, 0, width, STRIP_PX)), (number * width, 0))
    sheet.save(out)


def _shrink(path: Path, height_px: int | None) -> None:
    """Cuts a picture to its upper part, and takes fewer colours."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture = picture.crop((0, 0, picture.width, height_px or picture.height))
    picture.quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    main()
