"""The card of a dataset for a browser and for a hub."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ocrlib.dataset.card.card import PAGE_NAME, README_NAME, write_card
from ocrlib.dataset.card.page import MARK, _size_category, readme
from ocrlib.dataset.manifest import read_manifest
from ocrlib.dataset.verify import verify_shards
from tests.dataset.card.test_card import make_folder
from tests.training_fixtures import manifest_values

EVIL = "</pre><script>alert(1)</script>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "hand", ("hdf5",))


class Tags(HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_has_every_figure_and_needs_nothing_else(folder: Path) -> None:
    write_card(folder)
    page = (folder / PAGE_NAME).read_text()
    assert len(page) < 3_000_000
    for figure in ("ab" * 32, "72 px, train-000000001", "numeric:integer", "Serif.ttf", "low-contrast: 4", "lacks 01"):
        assert figure in page
    tags = Tags(page).found
    assert [tag for tag, _ in tags if tag in ("script", "iframe", "object", "form", "base")] == []
    addresses = [value or "" for _, attrs in tags for name, value in attrs.items() if name in ("src", "href")]
    assert [each for each in addresses if not each.startswith("data:")] == []
    assert re.findall(r"url\(|@import", page) == []
    assert sum(tag == "svg" for tag, _ in tags) == 3


def test_names_of_strangers_are_text(folder: Path) -> None:
    values = manifest_values(folder)
    values |= {"name": EVIL, "rejected": {EVIL: 1}, "environment": {EVIL: EVIL}}
    values["fonts"]["left_out"] = {EVIL: EVIL}
    values["recipe"]["text"]["note"] = EVIL
    (folder / "manifest.json").write_text(json.dumps(values))
    write_card(folder)
    page, told = (folder / PAGE_NAME).read_text(), (folder / README_NAME).read_text()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 6
    assert "<script" not in told.split("---", 2)[2]


def test_the_readme_has_a_head_that_a_hub_reads(folder: Path) -> None:
    write_card(folder)
    _, head, body = (folder / README_NAME).read_text().split("---\n", 2)
    fields = {key: json.loads(value) for key, value in (line.split(": ", 1) for line in head.splitlines())}
    assert fields == {
        "pretty_name": "hand",
        "task_categories": ["image-to-text"],
        "tags": ["ocr", "text-line-recognition", "ocrlib", "synthetic"],
        "size_categories": ["n<1K"],
        "viewer": False,
    }
    assert "| train | 3 |" in body
    assert "(preview.png)" in body


def test_a_readme_of_the_users_own_stays(folder: Path) -> None:
    (folder / README_NAME).write_text("mine")
    write_card(folder)
    assert (folder / README_NAME).read_text() == "mine"
    (folder / README_NAME).write_text(f"old <!-- {MARK} -->")
    write_card(folder)
    assert (folder / README_NAME).read_text() == readme(read_manifest(folder), ["train", "val"])


def test_the_same_page_twice_to_the_byte_and_it_is_no_file_of_the_dataset(folder: Path) -> None:
    made = []
    for _ in range(2):
        write_card(folder)
        made.append([(folder / name).read_bytes() for name in (PAGE_NAME, README_NAME)])
    assert made[0] == made[1]
    assert verify_shards(folder, read_manifest(folder)) == {}


@pytest.mark.parametrize(
    ("samples", "category"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (999_999, "100K<n<1M"), (10**6, "1M<n<10M"), (10**9, "n>1B")],
)
def test_sizes_as_the_hub_counts_them(samples: int, category: str) -> None:
    assert _size_category(samples) == category
