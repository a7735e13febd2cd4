"""What the pages tell to type works: cheap blocks are run in a folder as the pages describe it, of all others the arguments are checked."""

import argparse
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ocrlib import cli, config
from ocrlib.arguments import split_overrides
from ocrlib.commands import data, train
from ocrlib.factory.recipe import TOP_LEVEL_KEYS, Recipe, recipe_from_dict
from ocrlib.training.settings import RunConfig
from tests.pages import PAGES, Block, blocks_of, commands_in_text
from tests.programs import ROOT, Outcome
from tests.training_fixtures import draw_line, numbers, write_dataset

BLOCKS = [block for page in PAGES for block in blocks_of(page)]
SHELL = [block for block in BLOCKS if block.commands]
CODE = [block for block in BLOCKS if block.language == "python" or "import ocrlib" in block.text]
# Pages of which another test takes all fenced blocks.
OWN_TESTS = {
    "docs/api.md": "tests/test_docs.py",
    "docs/formats.md": "tests/test_formats_page.py",
    "docs/own-network.md": "tests/network/test_own.py",
}
SMALL = ["--splits.train", "6", "--splits.val", "2", "--splits.test", "2", "--workers", "1"]
FONTS = ["--render.fonts", '["matplotlib"]', "--render.heldout_fonts", "[]"]


def name_of(block: Block) -> str:
    return f"{block.page.relative_to(ROOT)}: {block.text.split(chr(10))[0][:60]}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the pages describe it: the examples and recipes, a dataset, and pictures of one's own."""
    place = tmp_path_factory.mktemp("pages")
    shutil.copytree(ROOT / "examples", place / "examples")
    (place / "datasets").mkdir()
    for recipe in (ROOT / "datasets").glob("*.toml"):
        shutil.copy(recipe, place / "datasets")
    serials = next(block.text for block in BLOCKS if block.page.name == "own-domain.md" and block.language == "toml")
    text = re.sub(
        r"\[text\].*?(?=\n\[)", lambda _: serials, (ROOT / "datasets" / "numeric.toml").read_text(), flags=re.S
    )
    (place / "datasets" / "serials.toml").write_text(text.replace('name = "numeric"', 'name = "serials"'))
    lines = numbers(4, seed=1)
    write_dataset(place / "datasets" / "numeric", {"train": lines, "val": lines[:1], "test": lines[:2]})
    for folder in ("my-lines", "scans", "PICTURES"):
        shutil.copytree(place / "examples", place / folder)
    (place / "articles.txt").write_text("4711\n4712\n")
    for name in ("line.png", "amount.png"):
        Image.fromarray(draw_line("12.50")).save(place / name)
    return place


def test_there_are_blocks_and_commands_in_text():
    assert len(SHELL) > 15
    assert sum(len(commands_in_text(page)) for page in PAGES) > 15


@pytest.mark.parametrize("page", sorted({block.page for block in SHELL}), ids=lambda page: page.stem)
def test_commands_are_run_or_marked(
    page: Path, place: Path, run_here: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In their order, since one goes on from what another made."""
    monkeypatch.chdir(place)
    for block in (block for block in SHELL if block.page == page):
        for command in block.commands:
            if command in block.left_out:
                check(command)
            else:
                outcome = run(command, run_here)
                assert outcome.code == 0, (command, outcome.stderr)


def run(command: str, run_here: Callable[..., Outcome]) -> Outcome:
    """Runs a command in this process; a dataset is made small."""
    program, arguments = taken_apart(command)
    if program == "data":
        small = [*SMALL, *FONTS, *(() if "--out" in arguments else ("--out", f"made-{len(arguments)}"))]
        return run_here(lambda: data.make_data(sys.argv[1:]), "generate_data.py", *arguments, *small)
    assert program in ("predict", "evaluate", "verify", "import", "compare"), (
        f"{command}: too much for a test; put a mark above it: <!-- not run by the tests: REASON -->"
    )
    return run_here(cli.main, "ocrlib", program, *arguments)


def taken_apart(command: str) -> tuple[str, list[str]]:
    """A command of ocrlib, whichever way it is called, and its arguments."""
    words = shlex.split(command)
    scripts = {"generate_data.py": "data", "train_from_records.py": "train"}
    if words[0] == "ocrlib":
        return words[1], words[2:]
    if words[0] in ("python", ".venv/bin/python") and words[1] in scripts:
        return scripts[words[1]], words[2:]
    if words[0] in ("python", ".venv/bin/python") and words[1:3] == ["-m", "ocrlib"]:
        return words[3], words[4:]
    return words[0], words[1:]


def check(command: str) -> None:
    """Checks the arguments of a command that is not run."""
    program, arguments = taken_apart(command)
    if program == "make":
        subprocess.run(["make", "-n", "-C", ROOT, *arguments], check=True, capture_output=True)
    elif program == "train":
        left, overrides = split_overrides(arguments, besides=train.NO_SETTINGS)
        train._parser(None, RunConfig).parse_args(left)
        config.build(RunConfig, {}, overrides, command)
    elif program == "data":
        left, overrides = split_overrides([a.replace("$SLURM_ARRAY_TASK_ID", "3") for a in arguments], TOP_LEVEL_KEYS)
        assert Path(data._parser(None, Recipe).parse_args(left).recipe).exists()
    elif program != "pip":
        cli.command_parser().parse_args([program, *arguments])


@pytest.mark.parametrize("block", CODE, ids=name_of)
def test_code_is_run_or_marked(block: Block, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = str(block.page.relative_to(ROOT))
    compile(block.text, page, "exec") if not page.endswith("api.md") else None
    if block.mark:
        return
    if page in OWN_TESTS and block.language:
        assert f"{block.page.stem}.md" in (ROOT / OWN_TESTS[page]).read_text()
        return
    monkeypatch.chdir(place)
    exec(block.text if "import ocrlib" in block.text else f"import ocrlib\n{block.text}", {"__name__": "page"})


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "toml"], ids=name_of)
def test_recipes_are_recipes(block: Block) -> None:
    recipe = tomllib.loads((ROOT / "datasets" / "numeric.toml").read_text())
    recipe_from_dict({**recipe, **tomllib.loads(block.text)}, name_of(block))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_sentences_have_these_names_and_options(page: Path) -> None:
    parser: Any = cli.command_parser()
    (commands,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    own = {"data": data._parser(None, Recipe), "train": train._parser(None, RunConfig)}
    for command in commands_in_text(page):
        name, *words = command.removeprefix("python -m ").split()[1:]
        assert name in commands.choices, command
        known = own.get(name, commands.choices[name])._option_string_actions
        for option in re.findall(r"--[a-z]+(?![a-z.])", " ".join(words)):
            assert option in known, command
