"""Every layout: which lines it lists, which one a source is taken for, and what is said of that which cannot be used."""

import re
import tarfile
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from ocrlib.errors import UserError
from ocrlib.imports.layouts import LAYOUTS, find_layout
from ocrlib.imports.line import Asked, Line
from ocrlib.pictures.pairs import Unusable
from tests.imports.own_lines import (
    TEXTS,
    picture_of,
    png_of,
    write_csv,
    write_json,
    write_lmdb,
    write_page,
    write_pairs,
)

GOOD = TEXTS[:3]


def found(source: Path, layout: str | None = None, **asked: object) -> list[str]:
    """What a source lists: `name = text`, or `! name: reason (detail)`."""
    name = find_layout(source, layout)
    listed = LAYOUTS[name].list_lines(source, Asked(**asked))  # type: ignore[arg-type]
    return [f"{each.name} = {each.text}" if isinstance(each, Line) else f"! {each}" for each in listed]


def pictures(folder: Path, names: list[str]) -> Path:
    """A picture of each of GOOD under a name."""
    for name, text in zip(names, GOOD, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png_of(text))
    return folder


def write_source(folder: Path, layout: str) -> Path:
    """GOOD in a layout; returns the source."""
    folder.mkdir(exist_ok=True)
    if layout == "pairs":
        return write_pairs(folder, {f"l{i}": text for i, text in enumerate(GOOD)})
    if layout in ("alto", "page"):
        write_page(folder, "p1", list(GOOD), layout)
        return folder
    if layout == "lmdb":
        entries = {b"num-samples": b"3"}
        for i, text in enumerate(GOOD, 1):
            entries |= {b"image-%09d" % i: png_of(text), b"label-%09d" % i: text.encode()}
        return write_lmdb(folder, entries)
    names = ["a.png", "b.png", "c.png"]
    if layout == "parquet":
        rows = [{"image": {"bytes": png_of(t), "path": n}, "text": t} for n, t in zip(names, GOOD, strict=True)]
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "lines.parquet")
        return folder
    if layout == "webdataset":
        pictures(folder.parent / "loose", names)
        with tarfile.open(folder / "lines.tar", "w") as tar:
            for name, text in zip(names, GOOD, strict=True):
                (folder.parent / "loose" / f"{name[0]}.txt").write_text(text)
                tar.add(folder.parent / "loose" / name, name)
                tar.add(folder.parent / "loose" / f"{name[0]}.txt", f"{name[0]}.txt")
        return folder
    if layout == "doctr":
        pictures(folder / "images", names)
        write_json(folder / "labels.json", dict(zip(names, GOOD, strict=True)))
        return folder
    pictures(folder, names)
    if layout == "csv":
        write_csv(folder / "labels.csv", [["filename", "words"], *map(list, zip(names, GOOD, strict=True))])
    else:
        rows = "".join(f"{name}\t{text}\n" for name, text in zip(names, GOOD, strict=True))
        (folder / "rec_gt.txt").write_text(rows)
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_source_is_known_by_what_is_there_and_its_pictures_are_found(tmp_path, layout):
    source = write_source(tmp_path / "source", layout)
    assert find_layout(source, None) == layout
    lines = list(LAYOUTS[layout].list_lines(source, Asked()))
    assert [line.text for line in lines] == list(GOOD)
    assert len({line.name for line in lines}) == 3
    read = LAYOUTS[layout].open_reader(source, Asked())
    for line in lines:
        picture = np.asarray(read(line.place).convert("L"))
        assert np.array_equal(picture, np.asarray(picture_of(line.text)))
        assert line.file.is_file()


@pytest.mark.parametrize("layout", ["csv", "paddle", "doctr", "alto", "page", "parquet", "webdataset", "lmdb"])
def test_the_file_itself_can_be_named(tmp_path, layout):
    source = write_source(tmp_path / "source", layout)
    file = next(p for p in sorted(source.iterdir()) if p.suffix not in (".png", "") and p.name != "lock.mdb")
    assert find_layout(file, None) == layout
    assert [line.split(" = ")[1] for line in found(file)] == list(GOOD)


def test_texts_with_commas_quotes_and_tabs(tmp_path):
    pictures(tmp_path, ["a.png", "b.png", "c.png"])
    path = tmp_path / "labels.csv"
    path.write_text('filename,words\na.png,Hello, world\nb.png,"a ""b"", c"\nc.png,"5 inches\n')
    # EasyOCR does not quote; a quotation mark that is never closed belongs to its own line alone.
    assert found(path) == ["a.png = Hello, world", 'b.png = a "b", c', 'c.png = "5 inches']


@pytest.mark.parametrize(
    ("header", "delimiter", "name"),
    [
        (["image_path", "plate_text"], ",", "labels.csv"),  # fast-plate-ocr
        (["file_name", "text"], ",", "metadata.csv"),  # Hugging Face's image folder
        (["path", "label"], ";", "labels.csv"),
        (["image", "ground_truth"], "\t", "labels.tsv"),
    ],
)
def test_a_header_of_known_names(tmp_path, header, delimiter, name):
    names = ["a.png", "b.png", "c.png"]
    write_csv(pictures(tmp_path, names) / name, [header, *map(list, zip(names, GOOD, strict=True))], delimiter)
    assert found(tmp_path) == [f"{n} = {t}" for n, t in zip(names, GOOD, strict=True)]


def test_columns_of_any_name_and_a_column_of_splits(tmp_path):
    names = ["a.png", "b.png", "c.png"]
    rows = [["x", "says", "split", "scan"], *[[str(i), t, s, n] for i, (t, s, n) in enumerate(zip(GOOD, ("train", "dev", "test"), names, strict=True))]]  # fmt: skip
    path = write_csv(pictures(tmp_path, names) / "any.csv", rows)
    with pytest.raises(UserError, match="expected a header with a column for the picture and one for the text"):
        found(path, "csv")
    lines = list(LAYOUTS["csv"].list_lines(path, Asked(columns=("scan", "says"))))
    assert [(line.name, line.text, line.split) for line in lines if isinstance(line, Line)] == [
        ("a.png", GOOD[0], "train"),
        ("b.png", GOOD[1], "val"),
        ("c.png", GOOD[2], "test"),
    ]


def test_a_list_that_leads_astray(tmp_path):
    """Missing pictures, absolute paths, and paths that lead out are named, and nothing outside is opened."""
    (tmp_path / "outside.png").write_bytes(png_of("1"))
    folder = pictures(tmp_path / "list", ["a.png", "deep/b.png", "spare.png"])
    (folder / "rec_gt.txt").write_text(
        f"a.png\t1\nmissing.png\t2\n{tmp_path}/outside.png\t3\n../outside.png\t4\n{folder}/deep/b.png\t5\n"
        "a.png\t6\nno tab here\n\n\t7\ndeep\\b.png\t8\n"
    )
    assert found(folder) == [
        "a.png = 1",
        "! rec_gt.txt:2: picture is missing (missing.png)",
        f"! rec_gt.txt:3: path that leads out of the folder ({tmp_path}/outside.png)",
        "! rec_gt.txt:4: path that leads out of the folder (../outside.png)",
        "deep/b.png = 5",
        "! rec_gt.txt:6: picture listed twice (a.png)",
        "! rec_gt.txt:7: row that cannot be read (expected PATH, a tab and the text)",
        "! rec_gt.txt:9: path that cannot be read",
        "! rec_gt.txt:10: picture listed twice (deep/b.png)",
        "! spare.png: no text (in no list)",
    ]


def test_pictures_that_lie_elsewhere(tmp_path):
    pictures(tmp_path / "photos", ["a.png", "b.png", "c.png"])
    (tmp_path / "list.txt").write_text("a.png\t1\n")
    assert found(tmp_path / "list.txt", pictures=tmp_path / "photos") == ["a.png = 1"]


def test_a_list_in_another_encoding_is_named_line_by_line(tmp_path):
    folder = pictures(tmp_path, ["a.png", "b.png", "c.png"])
    (folder / "list.txt").write_bytes("a.png\tcafé\nb.png\tplain\nc.png\tÜber\n".encode("cp1252"))
    reason = f"text cannot be read ({folder}/list.txt is not UTF-8)"
    assert found(folder)[:3] == [f"! list.txt:1: {reason}", "b.png = plain", f"! list.txt:3: {reason}"]
    assert found(folder, encoding="cp1252") == ["a.png = café", "b.png = plain", "c.png = Über"]


def test_lists_by_split(tmp_path):
    folder = pictures(tmp_path, ["train/a.png", "x/b.png", "x/c.png"])
    (folder / "rec_gt_train.txt").write_text("train/a.png\t1\n")
    (folder / "rec_gt_val.txt").write_text("x/b.png\t2\n")
    (folder / "more.txt").write_text("x/c.png\t3\n")
    lines = [line for line in LAYOUTS["paddle"].list_lines(folder, Asked()) if isinstance(line, Line)]
    assert {line.text: line.split for line in lines} == {"1": "train", "2": "val", "3": None}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2]", "expected a JSON object of picture names and texts"),
        ("{", "is not JSON in UTF-8"),
        ("[" * 100_000, "is not JSON in UTF-8"),
    ],
)
def test_json_that_is_no_docTR_list(tmp_path, content, message):
    (tmp_path / "labels.json").write_text(content)
    with pytest.raises(UserError, match=message):
        found(tmp_path)


def test_docTR_lists_that_repeat_a_name_or_hold_more_than_texts(tmp_path):
    pictures(tmp_path / "images", ["a.png", "b.png", "c.png"])
    (tmp_path / "labels.json").write_text('{"a.png": "1", "b.png": {"polygons": []}, "a.png": "2", "c.png": "3"}')
    assert found(tmp_path) == [
        "images/a.png = 1",
        "! labels.json:2: row that cannot be read (its text is no string)",
        "! labels.json:3: picture listed twice (images/a.png)",
        "images/c.png = 3",
        "! images/b.png: no text (in no list)",
    ]


def test_an_lmdb_of_another_program(tmp_path):
    write_lmdb(tmp_path, {b"blocks": b"1"})
    with pytest.raises(UserError, match="is an LMDB of another program: expected the keys num-samples"):
        found(tmp_path)


def test_a_file_that_is_no_lmdb(tmp_path):
    (tmp_path / "data.mdb").write_bytes(b"not a base" * 1000)
    with pytest.raises(UserError, match="cannot be opened as an LMDB"):
        found(tmp_path)


def test_an_lmdb_with_holes(tmp_path):
    good = png_of("1")
    write_lmdb(
        tmp_path / "val",
        {b"num-samples": b"4", b"image-000000001": good, b"label-000000001": b" 1 ", b"image-000000002": good,
         b"label-000000003": b"3", b"image-000000004": good, b"label-000000004": "é".encode("cp1252")},
    )  # fmt: skip
    assert found(tmp_path) == [
        "val/image-000000001 = 1",
        "! val/image-000000002: no text",
        "! val/image-000000003: no picture",
        "! val/image-000000004: text cannot be read (is not UTF-8)",
    ]


@pytest.mark.parametrize("kind", ["alto", "page"])
def test_pages(tmp_path, kind):
    write_page(tmp_path / "book", "p1", ["20471", "two words"], kind)
    write_page(tmp_path / "book", "p2", ["007"], kind)
    (tmp_path / "book" / "p2.png").unlink()
    write_page(tmp_path / "val", "p3", ["3.50"], kind)
    assert found(tmp_path) == [
        "book/p1.xml#l0 = 20471",
        "book/p1.xml#l1 = two words",
        "! book/p2.xml: picture is missing (" + {"alto": "C:\\scans\\", "page": ""}[kind] + "p2.png, with 1 lines)",
        "val/p3.xml#l0 = 3.50",
    ]
    lines = [line for line in LAYOUTS[kind].list_lines(tmp_path, Asked()) if isinstance(line, Line)]
    assert [(line.page, line.split) for line in lines] == [
        ("book/p1.xml", None),
        ("book/p1.xml", None),
        ("val/p3.xml", "val"),
    ]


def test_a_page_picture_of_another_size_than_the_xml_says_is_cut_in_proportion(tmp_path):
    path = write_page(tmp_path, "p1", ["20471"], "page")
    with Image.open(tmp_path / "p1.png") as page:
        page.resize((page.width * 2, page.height * 2), Image.Resampling.NEAREST).save(tmp_path / "p1.png")
    (line,) = LAYOUTS["page"].list_lines(path, Asked())
    picture = LAYOUTS["page"].open_reader(path, Asked())(line.place)
    assert picture.size == tuple(2 * side for side in picture_of("20471").size)


def test_a_box_beside_the_page_is_refused_when_it_is_read(tmp_path):
    path = write_page(tmp_path, "p1", ["20471"], "page")
    path.write_text(re.sub('points="[^"]*"', 'points="9990,9990 9999,9999"', path.read_text()))
    (line,) = LAYOUTS["page"].list_lines(path, Asked())
    with pytest.raises(UserError, match="is empty, or lies beside the page"):
        LAYOUTS["page"].open_reader(path, Asked())(line.place)


@pytest.mark.parametrize(
    ("points", "reason"),
    [("", "line that cannot be read"), ("1,2 x,y", "line that cannot be read"), ("1,2", None)],
)
def test_polygons_that_are_none(tmp_path, points, reason):
    path = write_page(tmp_path, "p1", ["20471"], "page")
    path.write_text(re.sub('points="[^"]*"', f'points="{points}"', path.read_text()))
    (line,) = LAYOUTS["page"].list_lines(path, Asked())
    assert (line.reason if isinstance(line, Unusable) else None) == reason


def test_xml_with_an_external_entity_is_refused_and_nothing_is_fetched(tmp_path):
    (tmp_path / "secret").write_text("password")
    path = write_page(
        tmp_path, "p1", ["&leak;"], "page", f'<!DOCTYPE x [<!ENTITY leak SYSTEM "file://{tmp_path}/secret">]>'
    )
    (refused,) = found(tmp_path)
    assert "p1.xml: XML that cannot be read" in refused and "declares entities" in refused
    assert "password" not in refused
    path.write_text("<PcGts><unclosed></PcGts>")
    assert found(tmp_path)[0].startswith("! p1.xml: XML that cannot be read")


def test_xml_bombs_do_not_go_off(tmp_path):
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
    write_page(tmp_path, "p1", ["&e9;"], "page", f'<!DOCTYPE x [<!ENTITY e0 "lol">{entities}]>')
    assert found(tmp_path)[0].startswith("! p1.xml: XML that cannot be read (")


def test_parquet_without_paths_and_with_columns_of_other_names(tmp_path):
    table = pyarrow.table({"scan": [png_of(t) for t in GOOD], "says": [GOOD[0], None, GOOD[2]]})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(UserError, match="expected a column with pictures and one with texts"):
        found(tmp_path)
    asked = {"columns": ("scan", "says")}
    assert found(tmp_path, **asked) == ["x.parquet#0 = 20471", "! x.parquet#1: no text", "x.parquet#2 = 007"]
    read = LAYOUTS["parquet"].open_reader(tmp_path, Asked(**asked))
    assert np.array_equal(np.asarray(read("x.parquet#2")), np.asarray(picture_of("007")))


def test_parquet_in_several_groups_of_rows(tmp_path):
    rows = [{"image": {"bytes": png_of(str(i)), "path": None}, "text": str(i)} for i in range(7)]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "x.parquet", row_group_size=3)
    read = LAYOUTS["parquet"].open_reader(tmp_path, Asked())
    for i in (0, 5, 6, 2):
        assert np.array_equal(np.asarray(read(f"x.parquet#{i}")), np.asarray(picture_of(str(i))))


@pytest.mark.parametrize(("name", "layout"), [("x.parquet", "parquet"), ("x.tar", "webdataset")])
def test_files_that_are_not_what_they_are_called(tmp_path, name, layout):
    (tmp_path / name).write_bytes(b"something else" * 100)
    with pytest.raises(UserError, match=f"{name}: cannot be read as"):
        found(tmp_path)


def test_sources_that_cannot_be_told(tmp_path):
    with pytest.raises(UserError, match="no such file or folder"):
        find_layout(tmp_path / "nowhere", None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        UserError, match=r"empty: holds no labelled lines of a layout that is known here \(pairs: NAME.png"
    ):
        find_layout(tmp_path / "empty", None)
    write_pairs(tmp_path / "both", {"a": "1"})
    (tmp_path / "both" / "list.txt").write_text("a.png\t1\n")
    with pytest.raises(UserError, match="looks like pairs and paddle; say which by --layout"):
        find_layout(tmp_path / "both", None)
    assert find_layout(tmp_path / "both", "paddle") == "paddle"
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "manifest.json").touch()
    with pytest.raises(UserError, match="is a dataset already; train on it as it is"):
        find_layout(tmp_path / "made", None)
