"""The whole printed report, for prepared readings."""

from dataclasses import replace

from ocrlib.evaluation.advice import Advice
from ocrlib.evaluation.evaluate import ReadLine
from ocrlib.evaluation.groups import Grouping
from ocrlib.evaluation.report import ErrorReport, make_report
from ocrlib.evaluation.report_text import errors_text


def read(truth: str, text: str, confidence: float = 0.95, width_px: int = 40) -> ReadLine:
    return ReadLine(name="x.png", truth=truth, text=text, confidence=confidence, width_px=width_px, sureness=confidence)


def sections_of(report: ErrorReport) -> list[str]:
    """The text's sections, a string each."""
    return errors_text(report).split("\n\n")


def fonts(*names: str) -> Grouping:
    return Grouping(kind="font", of_line=[(name,) for name in names])


def test_a_folder_of_pairs_whole() -> None:
    lines = [read("12", "12"), read("12.5", "125", 0.35), read("7 a", "1a", 0.95, 70)]
    assert errors_text(make_report(lines, [])) == (
        "             lines     CER  others    exact  of lines  of errors\n"
        "what the text is made of\n"
        "  digits         1   0.00%  42.86%  100.00%     33.3%       0.0%  few\n"
        "  amounts        1  25.00%  40.00%    0.00%     33.3%      33.3%  few\n"
        "  letters        1  66.67%  16.67%    0.00%     33.3%      66.7%  few\n"
        "length, characters\n"
        "  1-2            1   0.00%  42.86%  100.00%     33.3%       0.0%  few\n"
        "  3-4            2  42.86%   0.00%    0.00%     66.7%     100.0%  few\n"
        "width, pixels\n"
        "  33-64          2  16.67%  66.67%   50.00%     66.7%      33.3%  few\n"
        "  65-128         1  66.67%  16.67%    0.00%     33.3%      66.7%  few\n"
        "worst: most errors above the average; all rows: --out; few: under 30 lines; "
        "fails: worse than others beyond chance (Fisher's exact test, 5% over all rows)\n"
        "\n"
        "commonest confusions, true -> read: space -> nothing (1), . -> nothing (1), 7 -> 1 (1)\n"
        "\n"
        "confidence     lines    mean    exact\n"
        "  0.3 to 0.4         1   0.350    0.00%\n"
        "  0.9 to 1.0         2   0.950   50.00%\n"
        "expected calibration error: 0.417\n"
        "the least confident 5% (1 lines, below 0.950) hold 50.0% of the wrong lines; of the others 50.00% are exact\n"
        "\n"
        "answered, the surest lines first  lines  of lines    wrong  from confidence\n"
        "  at most 0.1% wrong               none\n"
        "  at most 0.5% wrong               none\n"
        "  at most 1.0% wrong               none\n"
        "  all                                 3    100.0%   66.67%           0.3500\n"
        "area under wrong lines against answered ones: 0.5556\n"
    )


def test_a_threshold_of_the_user_s_stands_beside_the_others() -> None:
    report = make_report([read("12", "12"), read("12", "1", 0.35)], [])
    assert sections_of(report)[-1] == (
        "answered, the surest lines first  lines  of lines    wrong  from confidence\n"
        "  at most 0.1% wrong                  1     50.0%    0.00%           0.9500\n"
        "  at most 0.5% wrong                  1     50.0%    0.00%           0.9500\n"
        "  at most 1.0% wrong                  1     50.0%    0.00%           0.9500\n"
        "  all                                 2    100.0%   50.00%           0.3500\n"
        "area under wrong lines against answered ones: 0.2500\n"
    )
    rows = {0.3: "0.3                2    100.0%   50.00%           0.3500", 0.99: "0.99            none"}
    for least, row in rows.items():
        assert f"  --min-confidence {row}\n" in errors_text(report, least)


def test_lines_all_alike_and_all_right() -> None:
    assert errors_text(make_report([read("12", "12")] * 2, [])) == (
        "the same in all lines: text digits, length 1-2, width_px 33-64\n"
        "\n"
        "confidence     lines    mean    exact\n"
        "  0.9 to 1.0         2   0.950  100.00%\n"
        "expected calibration error: 0.050\n"
        "no line is wrong\n"
    )


def test_of_many_rows_the_worst_are_printed_and_how_many_there_are() -> None:
    lines = [read("1234", "1234"[:kept]) for kept in (0, 1, 2, 3, 4, 4, 4, 4, 4)]
    report = make_report(lines, [fonts(*"ABCDEFGHI")])
    assert [line[:3] for line in sections_of(report)[0].splitlines()[1:7]] == ["fon", "  A", "  B", "  C", "  D", "  E"]
    assert sections_of(report)[0].splitlines()[1] == "font, the worst 5 of 9"
    report = make_report(lines[:8], [fonts(*"ABCDEFGH")])
    table = sections_of(report)[0].splitlines()
    assert table[1] == "font"
    assert [line[2] for line in table[2:10]] == list("ABCDEFGH")


def test_undegraded_lines_are_printed_below_the_worst() -> None:
    lines = [read("1234", "1") for _ in range(9)] + [read("1234", "1234")]
    names = [(name,) for name in [*"ABCDEFGHI", "nothing"]]
    report = make_report(lines, [Grouping(kind="degradation", of_line=names, apart="nothing")])
    table = sections_of(report)[0].splitlines()
    assert table[1] == "degradation (others: other degraded lines), the worst 5 of 10"
    assert [line.split()[0] for line in table[2:8]] == ["A", "B", "C", "D", "E", "nothing"]


def test_a_row_that_fails_and_a_face_held_out_are_marked() -> None:
    lines = [read("12", "1")] * 9 + [read("12", "12")] * 100
    report = replace(make_report(lines, [fonts(*["A"] * 9, *["B"] * 60, *["C"] * 40)]), heldout=frozenset("AC"))
    table = sections_of(report)[0].splitlines()
    assert table[2].endswith(" 100.0%  held out, fails")
    assert [line.split("%")[-1] for line in table[2:5]] == ["  held out, fails", "  held out", ""]


def test_known_and_held_out_faces_stand_first() -> None:
    report = make_report([read("12", "12")], [])
    part = {"lines": 3, "cer": 0.125, "exact_match": 0.5}
    overall = {**report.overall, "known_fonts": part, "heldout_fonts": part | {"lines": 1}}
    assert sections_of(replace(report, overall=overall))[0] == (
        "  known_fonts: 3 lines, CER 12.50%, exact 50.00%\n  heldout_fonts: 1 lines, CER 12.50%, exact 50.00%"
    )


def test_confusions_after_the_most_common_are_counted() -> None:
    lines = [read("0123456789", "abcdefghij"), read("0", "a")]
    assert sections_of(make_report(lines, []))[1] == (
        "commonest confusions, true -> read: 0 -> a (2), 1 -> b (1), 2 -> c (1), 3 -> d (1), 4 -> e (1), "
        "5 -> f (1), 6 -> g (1), 7 -> h (1), 2 more (2)"
    )


ADVICE = [
    Advice(
        kind="degradation",
        names=("crop",),
        share_of_lines=0.1,
        share_of_errors=0.4,
        key="render.degrade.crop.share",
        now=0.06,
        then=0.113,
    ),
    Advice(
        kind="font",
        names=("A.ttf", "B.ttf"),
        share_of_lines=0.011,
        share_of_errors=0.05,
        key="render.fonts",
        now=None,
        then=None,
    ),
]


def test_advice_names_key_and_values_and_gives_faces_their_entries() -> None:
    recipe = {"render": {"fonts": [{"source": "trdg:latin"}]}}
    report = replace(make_report([read("12", "12")], []), recipe=recipe, advice=ADVICE)
    assert sections_of(report)[-1] == (
        "draw more of (at twice the odds; check by --misses that a person can read them, else draw fewer):\n"
        "  degradation crop, 10.0% of lines, 40.0% of errors: render.degrade.crop.share 0.06 -> 0.113\n"
        "  the 2 worst faces, 1.1% of lines, 5.0% of errors: render.fonts twice their weight\n"
        "entries for render.fonts:\n"
        '  { source = "trdg:latin", only = ["A.ttf", "B.ttf"] },\n'
    )


def test_faces_without_an_entry_are_named() -> None:
    recipe = {"render": {"fonts": [{"source": "trdg:latin", "weight": 2.0}]}}
    report = replace(make_report([read("12", "12")], []), recipe=recipe, advice=ADVICE[1:])
    assert sections_of(report)[-1].splitlines()[1:] == [
        "  the 2 worst faces, 1.1% of lines, 5.0% of errors: render.fonts twice their weight",
        "the faces: A.ttf, B.ttf",
    ]


def test_a_dataset_without_advice_says_so() -> None:
    report = replace(make_report([read("12", "12")], []), recipe={"text": {}})
    assert sections_of(report)[-1] == "draw more of: nothing that the recipe has a weight for fails beyond chance\n"
