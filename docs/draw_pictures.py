"""Draws what docs/pictures.md shows and the lines in examples/: `make pictures`. Nothing of it comes from elsewhere."""

from pathlib import Path

import numpy as np
from PIL import Image

from ocrlib.factory.ingredients import gather
from ocrlib.factory.recipe import load_recipe
from ocrlib.factory.render.renderer import Renderer

ROOT = Path(__file__).parents[1]
CHOSEN = (8, 7, 18, 24, 20)  # lines of the recipe that look unlike each other
SHOWN, EXAMPLES = ROOT / "docs" / "pictures", ROOT / "examples"


def main() -> None:
    """Draws lines of the shipped recipe, plain ones to be put together here and degraded ones as examples."""
    plain = _lines({"render.degrade.clean": "1", "render.background": "plain_white"}, 4)
    line = plain[0][0]
    _save(line, SHOWN / "line.png")
    _save(np.pad(line, ((64, 80), (90, 260)), constant_values=255), SHOWN / "loose.png")
    gray = 150 + (line.astype(np.float64) - 255) * 0.4 + np.random.RandomState(0).normal(0, 6, line.shape)
    _save(np.clip(gray, 0, 255).astype(np.uint8), SHOWN / "gray.png")
    _save(_below(plain[1][0], plain[2][0], plain[3][0]), SHOWN / "lines.png")
    _save(np.rot90(line), SHOWN / "upright.png")
    degraded = _lines({}, max(CHOSEN) + 1)
    for number, index in enumerate(CHOSEN, start=1):
        image, text = degraded[index]
        _save(image, EXAMPLES / f"line-{number}.png")
        (EXAMPLES / f"line-{number}.gt.txt").write_text(f"{text}\n", encoding="utf-8")


def _lines(changes: dict[str, str], count: int) -> list[tuple[np.ndarray, str]]:
    """The first lines of the numeric recipe, with trdg's faces, as another seed draws them."""
    recipe = load_recipe(
        ROOT / "datasets" / "numeric.toml", {"seed": "2026", "render.fonts": '["trdg:latin", "matplotlib"]', **changes}
    )
    found = gather(recipe)
    renderer = Renderer(recipe.render, recipe.seed, found.faces, found.texts)
    samples = [renderer.render("train", index)[0] for index in range(count)]
    return [(sample.image, sample.text) for sample in samples]


def _below(*lines: np.ndarray) -> np.ndarray:
    width = max(line.shape[1] for line in lines) + 20
    return np.vstack([np.pad(line, ((6, 6), (10, width - 10 - line.shape[1])), constant_values=255) for line in lines])


def _save(image: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(image)).save(path, optimize=True)
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
