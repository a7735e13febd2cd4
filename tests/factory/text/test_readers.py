"""Text, JSON lines and parquet, each from a real file of its kind; other files are refused."""

import bz2
import gzip
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocrlib.errors import UserError
from ocrlib.factory.settings.text import WikipediaText
from ocrlib.factory.text import open_text
from ocrlib.factory.text.corpus_files import DamagedFile, content_hash, find_files, kind_of
from ocrlib.factory.text.readers import likely_encoding, read_jsonl, read_parquet, read_txt


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("enwiki-20250101-pages-articles.xml.bz2", "dump"),
        ("dump.xml", "dump"),
        ("enwiki-20250101-pages-articles1.xml-p1p41242.bz2", "dump"),
        ("train-00000-of-00041.parquet", "parquet"),
        ("eng_wikipedia_2016_10K-sentences.txt", "txt"),
        ("lines.txt.gz", "txt"),
        ("enwiki-20250101-cirrussearch-content.json.gz", "jsonl"),
        ("wiki_00", "jsonl"),
        ("wiki_17.bz2", "jsonl"),
        ("notes.pdf", None),
        ("Makefile", None),
    ],
)
def test_kind_by_name(tmp_path, name, kind):
    assert kind_of(tmp_path / name) == kind


def test_txt_with_leipzig_ids(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeff1\tEins zwei.\r\n2\tDrei.\nNo id\there.\n\nÉnd".encode())
    counts = Counter()
    assert list(read_txt(path, counts)) == ["Eins zwei.", "Drei.", "No id\there.", "", "Énd"]
    assert counts == {"lines": 5}


def test_txt_compressed(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"One.\nTwo.\n"))
    (tmp_path / "b.txt.bz2").write_bytes(bz2.compress(b"One.\nTwo.\n"))
    assert list(read_txt(tmp_path / "a.txt.gz", Counter())) == ["One.", "Two."]
    assert list(read_txt(tmp_path / "b.txt.bz2", Counter())) == ["One.", "Two."]


def test_txt_in_latin1(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"fine\ncaf\xe9\n")
    with pytest.raises(UserError, match=r"a.txt: line 2 is not UTF-8 \(byte 0xe9\)"):
        list(read_txt(path, Counter()))


def test_jsonl_of_wikiextractor_and_cirrussearch(tmp_path):
    extractor = tmp_path / "wiki_00"
    extractor.write_text('{"id": "1", "title": "A", "text": "One.\\n\\nTwo."}\n\n{"id": "2", "text": "Three."}\n')
    assert list(read_jsonl(extractor, Counter())) == ["One.\n\nTwo.", "Three."]
    cirrus = tmp_path / "c.json.gz"
    lines = [
        '{"index": {"_id": "1"}}',
        '{"text": "One.", "title": "A"}',
        '{"index": {"_id": "2"}}',
        '{"title": "B"}',
    ]
    cirrus.write_bytes(gzip.compress("\n".join(lines).encode()))
    counts = Counter()
    assert list(read_jsonl(cirrus, counts)) == ["One."]
    assert counts == {"documents": 1}


def test_jsonl_without_text(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"content": "x", "id": 1}\n')
    with pytest.raises(UserError, match="no line has a field 'text'; found content, id"):
        list(read_jsonl(path, Counter()))


@pytest.mark.parametrize("bad", ['{"text": "cut', "[1, 2]", "plain"])
def test_jsonl_damaged(tmp_path, bad):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"text": "One."}}\n{bad}\n')
    texts = read_jsonl(path, Counter())
    assert next(texts) == "One."
    with pytest.raises(DamagedFile, match="line 2 is no"):
        next(texts)


def test_gz_cut(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    lines = "".join(json.dumps({"text": f"{number} {number**7}"}) + "\n" for number in range(5000))
    data = gzip.compress(lines.encode())
    path.write_bytes(data[: len(data) // 2])
    read = []
    with pytest.raises(DamagedFile, match="is cut or damaged after line"):
        for text in read_jsonl(path, Counter()):
            read.append(text)
    assert len(read) > 1000 and read[0] == "0 0"


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_parquet(tmp_path, kind):
    texts = [f"Article {number}." for number in range(200)] + [None]
    table = pa.table({"id": list(range(201)), "text": pa.array(texts, kind)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=50)
    counts = Counter()
    assert list(read_parquet(tmp_path / "a.parquet", counts)) == texts[:-1]
    assert counts == {"documents": 200}


def test_parquet_without_the_column(tmp_path):
    pq.write_table(pa.table({"id": [1], "body": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="has no column 'text'; found id, body"):
        list(read_parquet(tmp_path / "a.parquet", Counter()))


def test_parquet_of_numbers(tmp_path):
    pq.write_table(pa.table({"text": [1]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="column 'text' must hold strings, not int64"):
        list(read_parquet(tmp_path / "a.parquet", Counter()))


def test_parquet_cut(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["x" * 100] * 100}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DamagedFile, match="is cut or damaged, or no parquet file"):
        list(read_parquet(path, Counter()))


def test_folder_in_order_of_names(tmp_path):
    for name in ("AB/wiki_00", "AA/wiki_01", "AA/wiki_00", "readme.md", ".hidden/x.txt", "AA/.x.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text('{"text": "x"}')
    found, left_out = find_files(tmp_path / "in")
    assert [file.name for file in left_out] == ["readme.md"]
    assert [str(file.relative_to(tmp_path / "in")) for file in found] == [
        "AA/wiki_00",
        "AA/wiki_01",
        "AB/wiki_00",
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("dump.xml.bz2", b"<!DOCTYPE html>\n<html><body>403</body></html>", "is an HTML page, not a corpus"),
        ("dump.xml", b"\n  <HTML><head>", "is an HTML page, not a corpus"),
        ("dump.xml.bz2", b"no bzip2 at all", "cannot be read"),
        ("a.jsonl.gz", b"no gzip at all", "cannot be read"),
        ("a.parquet", b"<html>", "is an HTML page, not a corpus"),
        ("a.txt", b"", "is empty"),
        ("a.pdf", b"%PDF", "is of no known kind; expected .xml"),
        ("missing.txt", None, "no such file or folder"),
        ("a.txt", "Zażółć.".encode("utf-16"), "is UTF-16, expected UTF-8; convert it: iconv -f UTF-16 -t UTF-8 a.txt"),
        ("a.jsonl", '{"text": "x"}'.encode("utf-16-le"), "is UTF-16"),
        ("wiki_00", b'<doc id="12" url="x" title="A">\nA\n', "is wikiextractor's <doc> form; .* with --json"),
        ("a.json", b' [{"text": "One."}]', "is one JSON array; expected one object a line: jq -c"),
        ("pol_news_2020_10K-words.txt", b"1\tkot\t5", "is a list that lies beside a corpus"),
    ],
)
def test_not_a_corpus(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        find_files(tmp_path / name)
    assert "\n" not in str(error.value) and name in str(error.value)


def test_a_folder_of_leipzig_and_a_dump_with_its_index_gives_only_what_is_text(tmp_path):
    stem = "deu_news_2020_10K"
    for name in ("sentences.txt", "words.txt", "sources.txt", "inv_w.txt", "inv_so.txt", "co_n.txt", "co_s.txt"):
        (tmp_path / f"{stem}-{name}").write_text("1\tEin Satz.\n")
    (tmp_path / f"{stem}-import.sql").write_text("CREATE TABLE")
    (tmp_path / "dewiki-20250101-pages-articles-multistream.xml").write_text("<mediawiki>")
    (tmp_path / "dewiki-20250101-pages-articles-multistream-index.txt.bz2").write_bytes(bz2.compress(b"606:10:A"))
    found, left_out = find_files(tmp_path)
    assert [file.name for file in found] == [
        f"{stem}-sentences.txt",
        "dewiki-20250101-pages-articles-multistream.xml",
    ]
    assert len(left_out) == 8


def test_what_a_folder_gave_and_what_not_is_said_and_kept(tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a-sentences.txt").write_text("1\tEin ganzer Satz steht hier.\n2\tNoch einer.\n")
    (folder / "a-words.txt").write_text("1\tSatz\t2\n")
    source = open_text(WikipediaText(source="wikipedia", corpus=str(folder), min_length=5), 1)
    assert "in: reads 1 file (a-sentences.txt); leaves out 1 file (a-words.txt)" in capsys.readouterr().err
    assert source.about["files"] == ["a-sentences.txt"] and source.about["left_out"] == ["a-words.txt"]
    assert source.about["counts"]["kept"] == 2


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Zażółć gęślą jaźń", "CP1250"),
        ("Příliš žluťoučký kůň", "CP1250"),
        ("où l’œuvre naît déjà", "CP1252"),
        ("Größe und Maß, café", "LATIN1"),
        ("Привет, мир", "CP1251"),
    ],
)
def test_an_encoding_is_named(text, name):
    assert likely_encoding(text.encode(name)) == name


def test_folder_without_a_corpus(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(UserError, match="the folder holds no corpus"):
        find_files(tmp_path / "in")


def test_content_hash_follows_the_content(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("abc")
    first = content_hash([path])
    assert first == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of "abc", FIPS 180-2
    assert content_hash([path]) == first
    path.write_text("abcd")
    assert content_hash([path]) != first
