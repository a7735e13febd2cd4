"""What a manifest's recipe says about the drawn lines: of one source and one look, and of several."""

from ocrlib.dataset.drawn import in_several_splits, looks_of, shares_of, texts_of

ONE = {"text": {"source": "numeric"}, "render": {"degrade": {"clean": 0.1, "crop": {"share": 0.5}}}}
SEVERAL = {
    "text": {
        "source": "mix",
        "parts": [
            {"text": {"source": "wikipedia"}},
            {"text": {"source": "numeric"}},
            {"text": {"source": "file", "path": "lists/towns.txt", "whole": True}},
            {"text": {"source": "file", "path": "lines.txt", "whole": False}},
        ],
    },
    "render": {"looks": {"fax": {"typeset": {"gaps": {"share": 0.2}}, "degrade": {"clean": 0.1}}, "book": {}}},
}


def test_one_text_and_one_look():
    assert texts_of(ONE) == [("text", ONE["text"])]
    assert [key for key, _ in looks_of(ONE)] == ["render"]
    assert shares_of(ONE["render"]) == [("degrade.crop", 0.5)]
    assert in_several_splits(ONE) == ("numeric:",)


def test_parts_and_looks():
    assert [key for key, _ in texts_of(SEVERAL)] == [f"text.parts.{i}.text" for i in range(4)]
    assert [key for key, _ in looks_of(SEVERAL)] == ["render.looks.fax", "render.looks.book"]
    assert [shares_of(look) for _, look in looks_of(SEVERAL)] == [[("typeset.gaps", 0.2)], []]
    assert in_several_splits(SEVERAL) == ("numeric:", "file:towns.txt")


def test_a_recipe_without_these_tables():
    assert texts_of({}) == [("text", {})] and looks_of({"render": None}) == [("render", {})]
    assert in_several_splits({}) == ()
