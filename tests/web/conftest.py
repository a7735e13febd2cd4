"""One Chromium for all tests of a process; a page of it watches for errors in its console."""

import shutil
from collections.abc import Iterator
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
        # Chromium's sandbox does not start for root, as which tests run in a container.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """A browser that knows nothing of other tests; each of its pages fails the test if its console shows an error."""
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    context.set_default_timeout(60_000)  # a busy machine is no error
    errors: list[str] = []
    context.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    # What a test provokes; and a server may end while its page still asks for something.
    context.expected_errors = ["ERR_CONNECTION_REFUSED"]
    yield context
    context.close()
    assert [error for error in errors if not any(known in error for known in context.expected_errors)] == []


@pytest.fixture
def page(context: Any) -> Any:
    """A page of it."""
    return context.new_page()


def serious_findings(page: Any) -> list[str]:
    """What axe-core finds on a page that keeps people out of it: of serious or critical impact."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in ("serious", "critical")]
