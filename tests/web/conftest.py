"""One Chromium for all tests of a process; a page of it watches for errors in its console."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, without a window."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium, which `make browser` installs")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium's sandbox does not start for root, as which tests run in a container. All pages of this machine share
        # a process that draws.
        options = ["--no-sandbox", "--disable-gpu", "--process-per-site"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


class _Empty(BaseHTTPRequestHandler):
    """A server of empty pages."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(
            b'<link rel="icon" href="data:,">'
        )  # else the browser asks for one, perhaps after the server's end

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def window(browser: Any) -> Iterator[Any]:
    """What all pages share. Its first page stays open, so that the process that draws does not start again with each test."""
    window = browser.new_context(viewport={"width": 1100, "height": 800})
    window.set_default_timeout(60_000)  # a busy machine is no error
    with HTTPServer(("127.0.0.1", 0), _Empty) as server:
        threading.Thread(target=server.serve_forever).start()
        window.new_page().goto(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    yield window
    window.close()


@pytest.fixture
def context(window: Any) -> Iterator[Any]:
    """The browser without a page; each page that the test opens fails it if its console shows an error.

    It knows nothing of other tests: each server has a port of its own, and what a page keeps is kept by address.
    """
    errors: list[tuple[Any, str]] = []
    opened: list[Any] = []
    listeners = {
        "page": lambda page: opened.append(page),
        "console": lambda told: errors.append((told.page, told.text)) if told.type in ("error", "warning") else None,
        "weberror": lambda told: errors.append((told.page, str(told.error))),
    }
    for event, listener in listeners.items():
        window.on(event, listener)
    # What a test provokes; and a server may end while its page still asks for something: before the browser has
    # connected, after, or while it waits for the answer.
    window.expected_errors = ["ERR_CONNECTION_REFUSED", "ERR_SOCKET_NOT_CONNECTED", "ERR_CONNECTION_RESET"]
    yield window
    for page in window.pages[1:]:
        page.close()
    for event, listener in listeners.items():
        window.remove_listener(event, listener)
    own = [text for page, text in errors if page in opened]
    assert [text for text in own if not any(known in text for known in window.expected_errors)] == []


@pytest.fixture
def page(context: Any) -> Any:
    """A page of it."""
    return context.new_page()


def wait(page: Any, condition: str, **argument: Any) -> None:
    """Waits until a function of JavaScript is true; asked 20 times a second, since asking at each frame draws them all."""
    page.wait_for_function(condition, polling=50, **argument)


def serious_findings(page: Any) -> list[str]:
    """What axe-core finds on a page that keeps people out of it: of serious or critical impact."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in ("serious", "critical")]
