"""MediaWiki dumps: what is read from them, in how much memory, and the errors for damaged ones."""

import bz2
import tracemalloc
from collections import Counter
from random import Random

import pytest

from ocrlib.errors import UserError
from ocrlib.factory.text.corpus_files import DamagedFile
from ocrlib.factory.text.dump import read_dump
from tests.factory.text.samples import article, many_pages, page_xml, sentence, write_dump
from tests.programs import run_code


def pages():
    yield page_xml(1, "Foo", "'''Foo''' is [[big]] &amp; old.\n\n{{x\n|y}}\nIt stays.")
    yield page_xml(2, "Bar", "#REDIRECT [[Foo]]", redirect="Foo")
    yield page_xml(3, "Talk:Foo", "I do not agree.", namespace=1)
    yield page_xml(4, "Datei:A.jpg", "A file.", namespace=6)
    yield page_xml(5, "Script", "var x = 1;").replace("<model>wikitext", "<model>javascript")
    yield page_xml(6, "Empty", "")
    yield page_xml(7, "Last", "[[Kategorie:X]]\nThe last is Ünïcödé < 3.")


@pytest.mark.parametrize("name", ["a.xml", "a.xml.bz2"])
def test_articles_only(tmp_path, name):
    counts = Counter()
    found = list(read_dump(write_dump(tmp_path / name, pages()), counts))
    assert found == ["Foo is big & old.", "It stays.", "The last is Ünïcödé < 3."]
    assert counts == {
        "pages": 7,
        "articles": 2,
        "redirects": 1,
        "pages of other namespaces": 2,
        "pages without wikitext": 2,
    }


def test_multistream(tmp_path):
    """The recommended downloads are many bz2 streams in one file."""
    plain = write_dump(tmp_path / "a.xml", pages()).read_bytes()
    parts = [plain[at : at + 700] for at in range(0, len(plain), 700)]
    (tmp_path / "b.xml.bz2").write_bytes(b"".join(bz2.compress(part) for part in parts))
    assert len(list(read_dump(tmp_path / "b.xml.bz2", Counter()))) == 3


def test_only_the_latest_of_several_revisions(tmp_path):
    old = page_xml(1, "A", "Old text.").replace("  </page>\n", "")
    new = page_xml(1, "A", "New text.")
    path = write_dump(tmp_path / "a.xml", [old + new[new.index("    <revision>") :]])
    assert list(read_dump(path, Counter())) == ["New text."]


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.999])
@pytest.mark.parametrize("name", ["a.xml", "a.xml.bz2"])
def test_cut_dump_gives_what_precedes_the_cut(tmp_path, name, cut):
    rng = Random(1)
    whole = write_dump(tmp_path / name, (page_xml(n, f"P{n}", sentence(rng)) for n in range(2000))).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * cut)])
    found = []
    with pytest.raises(DamagedFile, match=r"is cut or damaged after [\d,]+ pages"):
        for text in read_dump(tmp_path / name, Counter()):
            found.append(text)
    if name == "a.xml":
        assert len(found) == pytest.approx(2000 * cut, rel=0.05)


def test_flipped_byte_in_bz2(tmp_path):
    plain = write_dump(tmp_path / "a.xml", many_pages(Random(1), 500_000)).read_bytes()
    data = bytearray(bz2.compress(plain, compresslevel=1))  # blocks of 100 kB
    data[len(data) * 3 // 4] ^= 1
    (tmp_path / "a.xml.bz2").write_bytes(data)
    with pytest.raises(DamagedFile, match="is cut or damaged"):
        list(read_dump(tmp_path / "a.xml.bz2", Counter()))


def test_other_xml(tmp_path):
    (tmp_path / "a.xml").write_text("<feed><doc/></feed>")
    with pytest.raises(UserError, match="is no MediaWiki dump: its XML begins with <feed>"):
        list(read_dump(tmp_path / "a.xml", Counter()))


def peak_of_redirects(path, num_pages):
    write_dump(path, (page_xml(n, f"R{n}", "#REDIRECT [[A]]", redirect="A") for n in range(num_pages)))
    tracemalloc.start()
    list(read_dump(path, Counter()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_number_of_pages(tmp_path):
    few = peak_of_redirects(tmp_path / "few.xml", 300)
    many = peak_of_redirects(tmp_path / "many.xml", 3000)
    assert many < few + 50_000  # bytes; the shells of 2,700 pages that mwxml leaves are 300,000


_MEASURE = """
import sys
from pathlib import Path
from ocrlib.factory.settings.text import WikipediaText
from ocrlib.factory.text.build import open_sentences
file = open_sentences(WikipediaText(source="wikipedia", corpus=sys.argv[1], max_sentences=100_000))
# Not ru_maxrss: a new program inherits that of the process it came from.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(len(file), int(status["VmHWM"].split()[0]) // 1024)
"""


def test_resident_memory_of_a_build(tmp_path, monkeypatch):
    """A page of 5 MB after ordinary ones, built whole in a process of its own."""
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path / "cache"))
    rng = Random(1)
    giant = "\n\n".join(article(rng, 30) for _ in range(300))
    assert len(giant) > 5_000_000
    everything = (page for part in (many_pages(rng, 2_500_000), [page_xml(0, "G", giant)]) for page in part)
    path = write_dump(tmp_path / "a.xml", everything)
    num_lines, peak_mb = map(int, run_code(_MEASURE, path).split())
    assert num_lines > 30_000
    assert peak_mb < 150
