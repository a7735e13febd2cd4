"""Collecting from a live wiki: a small server on 127.0.0.1 that answers like MediaWiki, or badly."""

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from urllib.parse import parse_qs, urlparse

import pytest

from ocrlib.errors import UserError
from ocrlib.factory.settings.text import WikipediaText
from ocrlib.factory.text import live
from ocrlib.factory.text.live import Manners, live_pages
from ocrlib.factory.text.sentences import SentenceText

QUICK = Manners(timeout_s=0.5, pause_s=0.0, backoff_s=0.01, tries=4)


class Wiki:
    """Answers the first requests as `moods` says, one each, later ones with pages; `num_pages` is the wiki's size."""

    def __init__(self):
        self.moods, self.requests, self.num_pages, self.next_page = [], [], 10**6, 1
        self.stop = threading.Event()
        wiki = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                wiki.requests.append((parse_qs(urlparse(self.path).query), self.headers["User-Agent"]))
                wiki.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.api = f"http://127.0.0.1:{self.server.server_port}/w/api.php"

    def answer(self, handler):
        mood = self.moods.pop(0) if self.moods else "pages"
        if mood == "hang":
            self.stop.wait(5)
            return
        if mood == "drop":
            handler.connection.close()
            return
        status, body, headers = 200, "", {}
        if mood == "pages":
            body = json.dumps({"batchcomplete": True, "query": {"pages": self.some_pages()}})
        elif mood == "busy":
            status, body, headers = 503, "<html>try later</html>", {"Retry-After": "0"}
        elif mood == "broken":
            body = '{"query": {"pages": [{"pag'
        elif mood == "html":
            body = "<!DOCTYPE html><html>Log in to the hotel</html>"
        elif mood == "maxlag":
            body = json.dumps({"error": {"code": "maxlag", "info": "Waiting for a database server"}})
        elif mood == "empty":
            body = json.dumps({"batchcomplete": True})
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body.encode())

    def some_pages(self):
        pages = []
        for _ in range(4):
            number = (self.next_page - 1) % self.num_pages + 1
            self.next_page += 1
            page = {"pageid": number, "ns": 0, "title": f"Page {number}"}
            page["extract"] = f"Page number {number} is a fine place. It has {number * 7} people in it."
            if number % 4 == 2:
                page |= {"extract": f"Page {number} may refer to:", "pageprops": {"disambiguation": ""}}
            if number % 4 == 3:
                page["extract"] = ""
            pages.append(page)
        return pages


@pytest.fixture
def wiki(tmp_path, monkeypatch):
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(live, "Manners", lambda: QUICK)
    wiki = Wiki()
    yield wiki
    wiki.stop.set()
    wiki.server.shutdown()
    wiki.server.server_close()


def collect(wiki, path, number):
    pages = live_pages(wiki.api, path, Counter(), QUICK)
    found = list(islice(pages, number))
    pages.close()
    return found


def test_articles_without_disambiguations(wiki, tmp_path):
    found = collect(wiki, tmp_path / "c.jsonl", 4)
    assert [text.split()[2] for text in found] == ["1", "4", "5", "8"]
    query, agent = wiki.requests[0]
    assert query["generator"] == ["random"] and query["grnnamespace"] == ["0"] and query["maxlag"] == ["5"]
    assert agent.startswith("ocrlib (")


@pytest.mark.parametrize("mood", ["hang", "drop", "busy", "broken", "html", "maxlag", "empty"])
def test_a_bad_answer_is_asked_again(wiki, tmp_path, mood):
    wiki.moods = [mood, mood]
    assert len(collect(wiki, tmp_path / "c.jsonl", 2)) == 2
    assert len(wiki.requests) == 3


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ("hang", "nothing within 0.5 s"),
        ("drop", "no connection"),
        ("busy", "HTTP status 503"),
        ("broken", "no JSON but "),
        ("html", "no JSON but '<!DOCTYPE html>"),
        ("maxlag", "the wiki's error .*Waiting for a database"),
        ("empty", "JSON that holds no pages"),
    ],
)
def test_a_wiki_that_answers_badly_every_time(wiki, tmp_path, mood, reason):
    collect(wiki, tmp_path / "c.jsonl", 2)
    wiki.moods = [mood] * 4
    with pytest.raises(UserError, match=f"no usable answer in 4 tries .*{reason}.* from the 2 articles") as error:
        collect(wiki, tmp_path / "c.jsonl", 4)
    assert "\n" not in str(error.value)


def test_backoff_doubles(wiki, tmp_path):
    wiki.moods = ["broken"] * 3
    start = time.monotonic()
    pages = live_pages(wiki.api, tmp_path / "c.jsonl", Counter(), Manners(pause_s=0, backoff_s=0.1, tries=4))
    next(pages)
    assert time.monotonic() - start >= 0.1 + 0.2 + 0.4


def test_pause_between_requests(wiki, tmp_path):
    start = time.monotonic()
    pages = live_pages(wiki.api, tmp_path / "c.jsonl", Counter(), Manners(pause_s=0.2))
    assert len(list(islice(pages, 6))) == 6  # three requests
    assert time.monotonic() - start >= 0.4


def test_goes_on_from_what_it_has(wiki, tmp_path):
    path = tmp_path / "c.jsonl"
    first = collect(wiki, path, 4)
    with open(path, "ab") as file:
        file.write(b'{"id": 99, "title": "cut by a ki')
    asked = len(wiki.requests)
    again = collect(wiki, path, 6)
    assert again[:4] == first and len(set(again)) == 6
    assert len(wiki.requests) == asked + 1
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == [1, 4, 5, 8, 9, 12]


def test_a_small_wiki_ends(wiki, tmp_path):
    wiki.num_pages = 8
    assert len(collect(wiki, tmp_path / "c.jsonl", 1000)) == 4


def test_one_process_collects(wiki, tmp_path):
    pages = live_pages(wiki.api, tmp_path / "c.jsonl", Counter(), QUICK)
    next(pages)
    with pytest.raises(UserError, match="another process is collecting"):
        collect(wiki, tmp_path / "c.jsonl", 1)
    pages.close()


def test_built_once_then_no_network(wiki):
    config = WikipediaText(source="wikipedia", corpus=f"live:{wiki.api}", max_sentences=60)
    first = SentenceText(config, seed=1)
    assert first.about["counts"]["kept"] == 60
    assert first.about["source"] == f"live:{wiki.api}"
    assert first.draw("train", 0, 0).source == "wikipedia:en"
    asked = len(wiki.requests)
    wiki.server.shutdown()
    assert SentenceText(config, seed=1).draw("train", 5, 0) == first.draw("train", 5, 0)
    assert len(wiki.requests) == asked


def test_bad_address(tmp_path, monkeypatch):
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match='expected "live:" and the address'):
        SentenceText(WikipediaText(source="wikipedia", corpus="live:en.wikipedia.org"), seed=1)
    with pytest.raises(UserError, match="a live corpus has no end"):
        SentenceText(WikipediaText(source="wikipedia", corpus="live", max_sentences=0), seed=1)
