"""A dataset in a browser: what a search finds, every filter, and a page for each line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocrlib.errors import UserError
from ocrlib.reading.recognizer import Reading
from ocrlib.web.browse import browse_app, wanted_of
from ocrlib.web.catalogue import Catalogue, Wanted
from tests.evaluation.scripted import ScriptedReader, samples_made
from tests.training_fixtures import flip_byte, numbers, write_dataset
from tests.web.conftest import serious_findings, wait
from tests.web.labelling import request, served

TEXTS = sorted({text for text in numbers(160, seed=6) if len(text) > 1})[:60]
MADE = [
    (text, {"font": "Serif.ttf" if i % 3 else "Mono.ttf", "degradation": "crop=0.4 jpeg=0.7" if i % 10 == 0 else ""})
    for i, text in enumerate(TEXTS)
]
EVIL = "<script>alert(1)</script>"


class WholeReader(ScriptedReader):
    """Answers with whole readings."""

    def read_lines(self, images: Any) -> list[Reading]:  # type: ignore[override]
        return [
            Reading(text=said.text, confidence=said.confidence, characters=None) for said in super().read_lines(images)
        ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    splits = {"train": samples_made("train", MADE), "val": samples_made("val", [(TEXTS[0], {"font": EVIL})])}
    return write_dataset(tmp_path_factory.mktemp("browse") / "digits", splits, shard_samples=25)


@pytest.fixture
def catalogue(folder: Path) -> Catalogue:
    reader: Any = WholeReader(TEXTS, {TEXTS[7]: ("1", 0.3), TEXTS[40]: ("2", 0.95), TEXTS[50]: (TEXTS[50], 0.4)})
    return Catalogue(folder, reader)


def places(catalogue: Catalogue, **wanted: Any) -> list[int]:
    found = catalogue.search(Wanted(split="train", **wanted), 0, 1000, seconds=60)
    assert found.searched == 60
    return list(found.places)


def test_every_filter_finds_its_lines(catalogue: Catalogue) -> None:
    every = range(60)
    assert places(catalogue) == list(every)
    assert places(catalogue, font="mono") == [i for i in every if i % 3 == 0]
    assert places(catalogue, degradation="jpeg") == [0, 10, 20, 30, 40, 50]
    assert places(catalogue, degradation="peg") == []
    assert places(catalogue, text="99") == [i for i in every if "99" in TEXTS[i]]
    assert places(catalogue, shortest=4, longest=6) == [i for i in every if 4 <= len(TEXTS[i]) <= 6]
    assert places(catalogue, misread=True) == [7, 40]
    assert places(catalogue, below=0.5) == [7, 50]
    assert places(catalogue, below=0.5, misread=True, font="serif") == [7]


def test_a_search_goes_on_where_it_stopped(catalogue: Catalogue) -> None:
    wanted = Wanted(split="train", degradation="crop")
    first = catalogue.search(wanted, 0, 4)
    assert (first.places, first.searched) == ([0, 10, 20, 30], 31)
    assert catalogue.search(wanted, first.searched, 4).places == [40, 50]


def test_a_search_that_takes_too_long_tells_how_far_it_came(catalogue: Catalogue) -> None:
    found = catalogue.search(Wanted(split="train", text="none"), 0, 4, seconds=-1)
    assert (found.places, found.searched) == ([], 25)  # the first shard
    found = catalogue.search(Wanted(split="train", misread=True), 0, 4, seconds=-1)
    assert (found.places, found.searched) == ([7], 25)


def test_the_first_page_reads_one_shard_and_no_pixels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    from ocrlib.web import catalogue as module

    real = module.shard_columns
    monkeypatch.setattr(
        module, "shard_columns", lambda f, s, i, names: read.append((s.stem, names)) or real(f, s, i, names)
    )
    Catalogue(folder).search(Wanted(split="train"), 0, 20)
    assert [stem for stem, _ in read] == ["train-00000-of-00003"]
    assert "pixels" not in read[0][1]


def test_neighbours_share_a_width_and_hold_the_line(catalogue: Catalogue) -> None:
    for place in (0, 24, 25, 59):
        batch, bucket = catalogue.batch_of("train", place)
        assert place in batch
        assert all(int(catalogue.about("train", other)["width"]) <= bucket.width_px for other in batch)
        assert {other // 25 for other in batch} == {place // 25}


def test_an_address_that_asks_for_what_is_not_there_shows_what_is(catalogue: Catalogue, folder: Path) -> None:
    asked = {"split": "tset", "shortest": "x", "longest": "-1", "below": "nan", "misread": "2"}
    assert wanted_of(catalogue, asked) == Wanted(split="train")
    assert wanted_of(Catalogue(folder), {"misread": "1", "below": "0.5"}) == Wanted(split="train")


def test_a_model_for_other_images_is_refused(folder: Path) -> None:
    reader: Any = WholeReader(TEXTS, {})
    reader.height = 48
    with pytest.raises(UserError, match="the model reads 48"):
        Catalogue(folder, reader)


def test_a_damaged_shard_is_a_line_of_text(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "bad", {"train": TEXTS}, formats=("hdf5",))
    flip_byte(folder / "train-00000-of-00003.h5")
    with served(browse_app(Catalogue(folder), "bad")) as address:
        statuses = {request(address, path)[0] for path in ("", "picture/train/0", "picture/train/59", "line/train/59")}
    assert statuses <= {200, 422}
    assert 422 in statuses


@pytest.fixture
def address(catalogue: Catalogue) -> Iterator[str]:
    with served(browse_app(catalogue, "digits")) as address:
        yield address


@pytest.mark.parametrize(
    "path", ["line/train/60", "line/none/0", "picture/train/60", "picture/..%2f/0", "line/train/-1"]
)
def test_a_line_that_is_not_there_is_not_found(address: str, path: str) -> None:
    assert request(address, path)[0] == 404


def test_filters_and_links_by_hand(address: str, page: Any) -> None:
    page.goto(address)
    assert page.locator("li img").count() == 40
    page.click("#more")
    assert page.locator("li img").count() == 20
    page.click("text=all lines")
    page.select_option("select[name=degradation]", "")
    page.fill("input[name=font]", "Mono")
    page.fill("input[name=shortest]", "2")
    page.fill("input[name=longest]", "9")
    page.fill("input[name=text]", TEXTS[3])
    page.keyboard.press("Enter")
    page.wait_for_url("**font=Mono**")
    assert page.locator("li img").count() == sum(TEXTS[3] in text for text in TEXTS[::3])
    assert page.input_value("input[name=font]") == "Mono"
    page.goto(page.url)  # every view is an address
    assert page.input_value("input[name=text]") == TEXTS[3]
    page.click("text=all lines")
    page.check("input[name=misread]")
    page.fill("input[name=below]", "0.5")
    page.click("button")
    page.wait_for_url("**misread=1**")
    assert page.locator("li img").count() == 1
    assert page.inner_text("b.miss") != ""
    page.click("li a")
    page.wait_for_url("**/line/train/7")
    assert page.inner_text("main p.text >> nth=0") == TEXTS[7]
    assert page.locator("tbody tr").count() == 11
    wait(page, "() => [...document.images].filter((each) => each.complete && !each.naturalWidth).length === 0")
    assert serious_findings(page) == []
    page.click("text=the next line")
    page.wait_for_url("**/line/train/8")


def test_the_list_keeps_nobody_out_and_fits_a_phone(address: str, page: Any) -> None:
    page.on("dialog", lambda *_: pytest.fail("a script ran"))
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(address)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious_findings(page) == [], scheme
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    page.goto(f"{address}line/val/0")
    assert EVIL in page.text_content("main")
