"""The labelling desk as a person uses it: every key, in a real browser, against a real server."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocrlib.invocation import command
from ocrlib.reading.decoding.patterns import matcher
from ocrlib.web.answers import DIARY
from ocrlib.web.desk import Desk
from ocrlib.web.review import review_app
from tests.programs import program, wait_for
from tests.training_fixtures import numbers
from tests.web.conftest import serious_findings, wait
from tests.web.labelling import DeskReader, draw_folder, served

TEXTS = ["12", "345", "67.8", "901"]
SCRIPT = {"345": ("346", 0.6), "67.8": ("67,8", 0.3)}  # two are misread, without much confidence


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return draw_folder(tmp_path / "lines", TEXTS)


@pytest.fixture
def desk(folder: Path) -> Iterator[str]:
    with served(_app(folder)) as address:
        yield address


def _app(folder: Path, **settings: Any) -> Any:
    desk = Desk(DeskReader(TEXTS, SCRIPT), folder, model="numeric", **settings)  # type: ignore[arg-type]
    desk.start()
    return review_app(desk, "lines")


def _shows(page: Any, name: str) -> None:
    """Waits until a line is shown."""
    wait(page, "name => document.getElementById('name').textContent.startsWith(name)", arg=name)


def _says(page: Any, text: str) -> None:
    wait(page, "text => document.getElementById('message').textContent.includes(text)", arg=text)


def test_all_lines_by_keyboard_alone(desk: str, page: Any, folder: Path) -> None:
    page.goto(desk)
    _shows(page, "02.png")  # the least sure one
    assert page.input_value("#text") == "67,8"
    assert page.inner_text("#reading mark") == ","
    assert "30.0 % sure" in page.inner_text("#confidence")
    page.keyboard.press("F2")  # selects the doubtful comma
    page.keyboard.type(".")
    page.keyboard.press("Enter")
    _shows(page, "01.png")
    assert (folder / "02.gt.txt").read_text() == "67.8\n"
    assert "1 of 4 answered · the model read 100.0 % of them wrong, CER 25.0 %" in page.inner_text("#progress")
    page.keyboard.press("F8")
    _shows(page, "00.png")
    page.keyboard.press("F9")
    _shows(page, "03.png")
    page.keyboard.press("Enter")
    page.wait_for_selector("#done:not([hidden])")
    assert (folder / "03.gt.txt").read_text() == "901\n"
    assert sorted(os.listdir(folder)) == [
        "00.png", "01.png", "02.gt.txt", "02.png", "03.gt.txt", "03.png", DIARY,
    ]  # fmt: skip
    assert "4 of 4 answered · 1 not readable · 1 not one line" in page.inner_text("#progress")
    assert page.inner_text("#commands").splitlines() == [
        command("import", folder, "--layout", "pairs", "--out", "datasets/lines"),
        command("train", "datasets/lines", "--init", "numeric", "--run", "runs/lines"),
    ]


def test_what_comes_late_does_not_turn_the_count_back(desk: str, page: Any) -> None:
    page.goto(desk)
    _shows(page, "02.png")
    held: list[Any] = []
    page.route("**/ask/remarks", lambda route: held.append((route, route.fetch())))
    page.evaluate("() => { window.late = ask('remarks', { text: '67' }); }")
    for _ in range(6000):  # until the server has answered, and the page does not know
        if held:
            break
        page.wait_for_timeout(10)
    page.keyboard.press("Enter")
    _shows(page, "01.png")
    route, response = held[0]
    assert response.json()["progress"]["answered"] == 0
    route.fulfill(response=response)
    assert page.evaluate("async () => (await window.late).remarks") == []
    assert page.inner_text("#progress").startswith("1 of 4 answered")


def test_fifty_lines_by_keyboard_alone(page: Any, tmp_path: Path) -> None:
    texts = [text for text in dict.fromkeys(numbers(120, seed=8)) if len(text) > 1][:50]
    folder = draw_folder(tmp_path / "fifty", texts)
    reader: Any = DeskReader(texts, {texts[20]: ("1", 0.2)})
    desk = Desk(reader, folder, model="numeric")
    desk.start()
    wait_for(lambda: desk.progress()["read"] == 50)  # the least sure one is not among the first sixteen
    with served(review_app(desk, "fifty")) as address:
        page.goto(address)
        _shows(page, "20.png")
        page.keyboard.press("Control+A")
        page.keyboard.type(texts[20])
        # A key that is pressed while an answer is on its way does nothing: it would accept a line that nobody has seen.
        for number in (each for each in range(50) if each != 20):
            wait(page, "() => !busy")
            page.keyboard.press("Enter")
            _shows(page, f"{number:02d}.png")
        wait(page, "() => !busy")
        page.keyboard.press("Enter")
        page.wait_for_selector("#done:not([hidden])")
        assert "50 of 50 answered" in page.inner_text("#progress")
    assert [(folder / f"{number:02d}.gt.txt").read_text().strip() for number in range(50)] == texts


def test_back_and_undo_and_later(desk: str, page: Any, folder: Path) -> None:
    page.goto(desk)
    _shows(page, "02.png")
    page.keyboard.press("PageDown")  # later
    _shows(page, "01.png")
    page.keyboard.press("Enter")
    _shows(page, "00.png")
    assert (folder / "01.gt.txt").read_text() == "346\n"
    page.keyboard.press("PageUp")
    _shows(page, "01.png (answered)")
    page.keyboard.press("Backspace")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    _shows(page, "00.png")
    assert (folder / "01.gt.txt").read_text() == "345\n"
    page.keyboard.press("F4")
    _shows(page, "01.png")
    assert (folder / "01.gt.txt").read_text() == "346\n"  # as it was before the last answer
    _says(page, "taken back")
    page.keyboard.press("F4")
    wait(page, "() => document.getElementById('name').textContent === '01.png'")
    assert not (folder / "01.gt.txt").exists()
    _says(page, "taken back")
    page.keyboard.press("F4")
    _says(page, "This tab has given no answer")


def test_a_new_page_goes_back_to_earlier_answers(desk: str, page: Any, folder: Path) -> None:
    page.goto(desk)
    _shows(page, "02.png")
    page.keyboard.press("Enter")
    _shows(page, "01.png")
    page.reload()
    _shows(page, "01.png")
    page.keyboard.press("PageUp")
    _shows(page, "02.png (answered)")
    page.keyboard.press("PageUp")
    _says(page, "no line before this one")
    assert (folder / "02.gt.txt").exists() and not (folder / "01.gt.txt").exists()


def test_a_line_put_off_comes_last(desk: str, page: Any, folder: Path) -> None:
    page.goto(desk)
    for name in ("02.png", "01.png", "00.png"):
        _shows(page, name)
        page.keyboard.press("PageDown")
    _shows(page, "03.png")
    page.keyboard.press("Enter")
    _shows(page, "00.png")
    assert [path.name for path in folder.glob("*.gt.txt")] == ["03.gt.txt"]


def test_zoom_by_key_and_by_button(desk: str, page: Any) -> None:
    page.goto(desk)
    _shows(page, "02.png")
    wait(page, "() => document.getElementById('picture').style.width !== ''")
    width = "() => document.getElementById('picture').clientWidth"
    before = page.evaluate(width)
    page.keyboard.press("ArrowUp")
    assert page.evaluate(width) == pytest.approx(1.25 * before, abs=2)
    page.keyboard.press("ArrowDown")
    page.click("text=Smaller")
    assert page.evaluate(width) == pytest.approx(0.8 * before, abs=2)


def test_two_tabs_get_different_lines_and_lose_nothing(desk: str, context: Any, folder: Path) -> None:
    first, second = context.new_page(), context.new_page()
    first.goto(desk)
    _shows(first, "02.png")
    second.goto(desk)
    _shows(second, "01.png")
    first.fill("#text", "67.8")
    second.fill("#text", "345")
    first.keyboard.press("Enter")
    _shows(first, "00.png")
    second.keyboard.press("Enter")
    _shows(second, "03.png")
    assert [(folder / f"0{number}.gt.txt").read_text() for number in (1, 2)] == ["345\n", "67.8\n"]


def test_another_hand_is_told_of_and_its_text_stays_until_enter_is_pressed_again(
    desk: str, context: Any, page: Any, folder: Path
) -> None:
    context.expected_errors += ["409"]  # the status of the answer
    page.goto(desk)
    _shows(page, "02.png")
    (folder / "02.gt.txt").write_text("another hand\n")
    page.fill("#text", "67.8")
    page.keyboard.press("Enter")
    _says(page, "it says “another hand” now")
    assert (folder / "02.gt.txt").read_text() == "another hand\n"
    assert page.input_value("#text") == "67.8"
    page.keyboard.press("Enter")
    _shows(page, "01.png")
    assert (folder / "02.gt.txt").read_text() == "67.8\n"


def test_what_does_not_fit_the_pattern_comes_first_and_is_written_only_at_the_second_enter(
    page: Any, folder: Path
) -> None:
    with served(_app(folder, fits=matcher([r"\d+"]))) as address:
        page.goto(address)
        _shows(page, "02.png")
        assert page.inner_text("#remarks") == "This text does not fit the pattern."
        page.fill("#text", "67€8")
        wait(page, "() => document.getElementById('remarks').textContent.includes('does not know €')")
        page.keyboard.press("Enter")
        _says(page, "Enter once more")
        assert not (folder / "02.gt.txt").exists()
        page.keyboard.press("Enter")
        _shows(page, "01.png")
        assert (folder / "02.gt.txt").read_text() == "67€8\n"


def test_texts_and_names_of_others_are_shown_and_never_run(page: Any, tmp_path: Path) -> None:
    bad = "<img src=x onerror=alert(1)>.png"
    folder = draw_folder(tmp_path / "lines", ["12"])
    (folder / "00.png").rename(folder / bad)
    (folder / "stray <script>alert(1)<script>.gt.txt").write_text("x")
    (folder / "<img src=x onerror=alert(1)>.gt.txt").write_text("</script><script>alert(1)</script>\n")
    page.on("dialog", lambda *_: pytest.fail("a script ran"))
    with served(_app(folder)) as address:
        page.goto(address)
        page.wait_for_selector("#done:not([hidden])")
        assert "stray <script>alert(1)" in page.text_content("main")
        assert page.locator("script").count() == 1
        assert page.locator("img").count() == 1


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Any, desk: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(desk)
    _shows(page, "02.png")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    page.tap("text=Not readable")
    _shows(page, "01.png")
    page.tap("text=Accept")
    _shows(page, "00.png")
    assert serious_findings(page) == []
    context.close()


def test_nobody_is_kept_out(desk: str, page: Any) -> None:
    page.goto(desk)
    _shows(page, "02.png")
    page.click("summary")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious_findings(page) == [], scheme


def test_a_kill_loses_at_most_the_line_in_hand(page: Any, folder: Path, tmp_path: Path) -> None:
    """With the command itself, and a model that comes with ocrlib."""
    printed = tmp_path / "printed"

    def start() -> subprocess.Popen[bytes]:
        with open(printed, "wb") as file:
            command = ["-m", "ocrlib", "review", folder, "--model", "numeric", "--order", "name"]
            server = subprocess.Popen(program(*command), stdout=file, stderr=subprocess.STDOUT)
        wait_for(lambda: b"http" in printed.read_bytes() or server.poll() is not None)
        return server

    def address() -> str:
        return next(word for word in printed.read_text().split() if word.startswith("http"))

    server = start()
    try:
        page.goto(address())
        _shows(page, "00.png")
        page.fill("#text", "12")
        page.keyboard.press("Enter")
        _shows(page, "01.png")
        page.fill("#text", "345")
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        page.keyboard.press("Enter")
        _says(page, "The server does not answer")
        assert page.input_value("#text") == "345"
        server = start()
        page.goto(address())
        _shows(page, "01.png")
        assert "1 of 4 answered" in page.inner_text("#progress")
        os.kill(server.pid, signal.SIGINT)
        assert server.wait(timeout=30) == 0
    finally:
        server.kill()
        server.wait()
    assert (folder / "00.gt.txt").read_text() == "12\n"
    assert not (folder / "01.gt.txt").exists()
    rows = [json.loads(row) for row in (folder / DIARY).read_text().splitlines()]
    assert [row["name"] for row in rows] == ["00.png"]
    assert "python -m ocrlib import" in printed.read_text()
