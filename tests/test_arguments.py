"""arguments: overrides told from options, and a help text that explains every key."""

import argparse
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from ocrlib.arguments import describe, local_path, place, split_overrides
from ocrlib.factory.recipe import Recipe
from ocrlib.training.settings import RunConfig


@pytest.mark.parametrize(
    ("argv", "rest", "overrides"),
    [
        ([], [], {}),
        (["a.toml", "--out", "d"], ["a.toml", "--out", "d"], {}),
        (["a.toml", "--splits.train", "5", "--out", "d"], ["a.toml", "--out", "d"], {"splits.train": "5"}),
        (["--splits.train=5", "a.toml"], ["a.toml"], {"splits.train": "5"}),
        (["--name", "x", "--seed=2", "a.toml"], ["a.toml"], {"name": "x", "seed": "2"}),
        (["--render.random_skew", "--seed", "3"], [], {"render.random_skew": "true", "seed": "3"}),
        (["--render.random_skew"], [], {"render.random_skew": "true"}),
        (["--render.skew", "-1"], [], {"render.skew": "-1"}),
        (["--text.charset=a=b"], [], {"text.charset": "a=b"}),
        (["--text.charset", ""], [], {"text.charset": ""}),
        (["--nmae", "x"], ["--nmae", "x"], {}),  # argparse will refuse it
        (["file.with.dots", "-v.v"], ["file.with.dots", "-v.v"], {}),
    ],
)
def test_overrides_are_separated_from_other_arguments(argv, rest, overrides):
    assert split_overrides(argv, ("name", "seed")) == (rest, overrides)


def test_a_place_is_a_folder_or_an_address():
    assert place("datasets/s3") == Path("datasets/s3")
    assert place("file:///data/s3") == Path("/data/s3")
    assert place("s3://bucket/numeric") == "s3://bucket/numeric"


@pytest.mark.parametrize(
    "text", ["s3://", "s3:///", "s3://bucket/two\nlines", "s3://bucket/\x1b[31m", "s3://bucket/.."]
)
def test_an_address_of_nothing_or_of_several_lines_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="such as s3://bucket/numeric, in one line"):
        place(text)


def test_an_address_where_files_are_wanted_is_refused_without_its_password():
    assert local_path("pictures") == Path("pictures")
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        local_path("s3://key:secret@bucket/pictures")
    assert "secret" not in str(caught.value)


def key_names(cls: type) -> set[str]:
    """The names of all keys of a config dataclass and of the tables in it."""

    def tables(hint: Any) -> list[type]:
        inner = [hint] if isinstance(hint, type) and is_dataclass(hint) else []
        return inner + [table for part in get_args(hint) for table in tables(part)]

    hints = get_type_hints(cls)
    inside = [key_names(table) for hint in hints.values() for table in tables(hint)]
    return {key.name for key in fields(cls)}.union(*inside)


@pytest.mark.parametrize("cls", [Recipe, RunConfig])
def test_help_has_every_key_and_says_what_it_means(cls):
    lines = describe(cls).splitlines()
    shown = [line.split()[0] for line in lines if line.startswith(("--", "  ")) and not line.startswith("    ")]
    assert key_names(cls) <= {part for name in shown for part in name.removeprefix("--").split(".")}
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.lstrip().startswith("--") and not line.split()[0].endswith(".share"):
            assert following.startswith("    "), f"{line} has no explanation"
