"""Collects random articles from a live Wikipedia in a file, which the next run continues.

trdg's own generator needs four requests for one article, follows the search's suggestions to other articles, and has no
timeout. This module asks for the lead sections of twenty random articles in one request. For a hundred thousand
sentences this is a tenth of a per cent of the load.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from filelock import FileLock, Timeout

from ocrlib.errors import UserError

_PAGES_PER_REQUEST = 20  # the most for which the API gives lead sections
_FRUITLESS = 25  # requests in a row without a new page: all pages of a small wiki have been seen
_QUERY = {
    "action": "query",
    "format": "json",
    "formatversion": "2",
    "generator": "random",
    "grnnamespace": "0",
    "grnlimit": str(_PAGES_PER_REQUEST),
    "prop": "extracts|pageprops",
    "ppprop": "disambiguation",
    "exintro": "1",
    "explaintext": "1",
    "exlimit": "max",
    "maxlag": "5",  # seconds; a busier wiki answers with an error, and we ask again later
}


@dataclass(frozen=True, kw_only=True)
class Manners:
    """How requests are spaced and repeated, in seconds; each failed try doubles `backoff_s`, up to 120."""

    timeout_s: float = 30.0
    pause_s: float = 1.0
    backoff_s: float = 2.0
    tries: int = 6
    user_agent: str = "ocrlib (line-OCR dataset factory, collects lead sections once) python-requests"


class _Unusable(Exception):
    """The answer cannot be used, but the same request may work later."""


def live_pages(api: str, collected: Path, counts: Counter[str], manners: Manners | None = None) -> Iterator[str]:
    """Yields lead sections: first those in `collected`, then new ones, each written there before it is yielded.

    The caller stops when it has enough. Random articles never end, except in a small wiki.

    Args:
      api: address of the wiki's api.php.
      collected: JSON lines {"id", "title", "text"}; created if it does not exist.

    Raises:
      UserError: another process is collecting, or the server does not answer like a wiki.
    """
    collected.parent.mkdir(parents=True, exist_ok=True)
    try:
        # The lock has a file of its own: on Windows a locked file cannot be read through another handle.
        with FileLock(collected.with_suffix(".lock"), timeout=0, fallback_to_soft=False):
            yield from _pages(api, collected, counts, manners or Manners())
    except Timeout:
        raise UserError(f"{collected}: another process is collecting; wait for it") from None


def _pages(api: str, collected: Path, counts: Counter[str], manners: Manners) -> Iterator[str]:
    with open(collected, "a+b") as file, requests.Session() as session:
        seen: set[int] = set()
        for page in _saved_pages(file):
            seen.add(page["id"])
            counts["documents"] += 1
            yield page["text"]
        fruitless = 0
        while fruitless < _FRUITLESS:
            try:
                pages = _ask(session, api, manners)
            except _Unusable as problem:
                raise UserError(
                    f"{api}: no usable answer in {manners.tries} tries (the last: {problem}); run it again "
                    f'to go on from the {len(seen):,} articles collected, or set text.corpus = "embedded"'
                ) from None
            fresh = [page for page in pages if page["id"] not in seen]
            fruitless = 0 if fresh else fruitless + 1
            for page in fresh:
                seen.add(page["id"])
                file.write(json.dumps(page, ensure_ascii=False).encode() + b"\n")
            file.flush()
            for page in fresh:
                counts["documents"] += 1
                yield page["text"]
            time.sleep(manners.pause_s)


def _saved_pages(file: Any) -> Iterator[dict[str, Any]]:
    file.seek(0)
    end = 0
    for line in file:
        if not line.endswith(b"\n"):
            break  # the last run was killed while it wrote this line
        end += len(line)
        yield json.loads(line)
    file.truncate(end)
    file.seek(end)


def _ask(session: requests.Session, api: str, manners: Manners) -> list[dict[str, Any]]:
    """Returns the articles of one request, trying again up to `manners.tries` times."""
    problem: Exception | None = None
    for number in range(1, manners.tries + 1):
        wait_s = min(120.0, manners.backoff_s * 2 ** (number - 1))
        try:
            answer = session.get(
                api, params=_QUERY, timeout=manners.timeout_s, headers={"User-Agent": manners.user_agent}
            )
            if answer.status_code in (429, 503):
                wait_s = max(wait_s, _retry_after_s(answer))
            return _articles(answer)
        except (requests.RequestException, _Unusable) as error:
            problem = error
            if number < manners.tries:
                time.sleep(wait_s)
    raise _Unusable(_reason(problem, manners))


def _articles(answer: requests.Response) -> list[dict[str, Any]]:
    if answer.status_code != 200:
        raise _Unusable(f"HTTP status {answer.status_code}")
    try:
        content = answer.json()
    except ValueError:
        raise _Unusable(f"no JSON but {answer.text[:40]!r}") from None
    if not isinstance(content, dict) or "error" in content:
        error = content.get("error") if isinstance(content, dict) else content
        raise _Unusable(f"the wiki's error {str(error)[:120]}")
    try:
        pages = content["query"]["pages"]
        return [
            {"id": int(page["pageid"]), "title": str(page["title"]), "text": page["extract"]}
            for page in pages
            if page.get("extract") and "disambiguation" not in page.get("pageprops", {})
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _Unusable("JSON that holds no pages") from None


def _retry_after_s(answer: requests.Response) -> float:
    value = answer.headers.get("Retry-After", "")
    return min(120.0, float(value)) if value.isdigit() else 0.0


def _reason(problem: Exception | None, manners: Manners) -> str:
    if isinstance(problem, requests.Timeout):
        return f"nothing within {manners.timeout_s:g} s"
    if isinstance(problem, requests.ConnectionError):
        return "no connection"
    return str(problem).splitlines()[0][:200]
