"""The floor plan, held by reading every import: makers above, readers below, the manifest the only seam."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.generating import ROOT

# By the first part after `ocrlib.`; whatever is not listed here is a reader.
MAKERS = {"recipe", "text", "render", "pool", "hold", "factory", "repair"}
SCRIPT = "generate_data"  # a maker that also writes the card of what it made
SHARED = {"", "errors", "config", "charset", "arguments", "shards"}  # "" is ocrlib/__init__.py itself
FRAMEWORKS = {"tensorflow", "keras", "tf2onnx", "onnxruntime", "tensorboard"}
# `verify` draws again and looks for texts in two splits, each inside the function that asks for it.
LAZY_SEAM = {("ocrlib.cli", "ocrlib.repair"), ("ocrlib.cli", "ocrlib.text.keys")}

SOURCES = {
    **{".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in (ROOT / "ocrlib").rglob("*.py")},
    "generate_data": ROOT / "generate_data.py",
    "train_from_records": ROOT / "train_from_records.py",
}
MODULES = {name.removesuffix(".__init__"): path for name, path in SOURCES.items()}


def imports_of(path: Path, *, lazy: bool = True) -> set[str]:
    """Dotted names that a file imports; with lazy=False only those that run when it is imported."""
    names: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            assert node.module is not None
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            if lazy or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return names


def part_of(module: str) -> str:
    """Where a module of ours belongs: `render` for ocrlib.render.line."""
    return {"generate_data": "factory", "train_from_records": "trainer"}.get(module) or (module + ".").split(".")[1]


def ours(names: set[str]) -> set[str]:
    """Those of the names that are modules of ours, not objects in them."""
    return {name for name in names if name in MODULES}


def roots(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def makers() -> list[str]:
    return [module for module in MODULES if part_of(module) in MAKERS]


def readers() -> list[str]:
    return [module for module in MODULES if part_of(module) not in MAKERS | SHARED]


def test_the_plan_knows_the_rooms_that_there_are():
    assert {part_of(module) for module in makers()} == MAKERS
    assert {part_of(module) for module in MODULES} >= SHARED
    assert {"ocrlib.loader", "ocrlib.crnn", "ocrlib.ctc", "ocrlib.trainer", "ocrlib.cli"} <= set(readers())


@pytest.mark.parametrize("module", makers())
def test_a_maker_imports_makers_and_what_is_shared(module):
    names = imports_of(MODULES[module])
    allowed = MAKERS | SHARED | ({"report"} if module == SCRIPT else set())
    assert {part_of(name) for name in ours(names)} <= allowed
    assert not roots(names) & FRAMEWORKS


@pytest.mark.parametrize("module", [module for module in MODULES if part_of(module) in SHARED])
def test_what_is_shared_imports_only_what_is_shared(module):
    # `ocrlib.load` is a door to the readers, opened when somebody calls.
    names = imports_of(MODULES[module], lazy=module != "ocrlib")
    assert {part_of(name) for name in ours(names)} <= SHARED
    assert not roots(names) & (FRAMEWORKS | {"trdg"})


@pytest.mark.parametrize("module", readers())
def test_a_reader_knows_nothing_of_how_datasets_are_made(module):
    forbidden = {"text", "render", "factory", "pool"}
    found = {(module, name) for name in ours(imports_of(MODULES[module])) if part_of(name) in forbidden}
    assert found <= LAZY_SEAM
    at_import = ours(imports_of(MODULES[module], lazy=False))
    assert not {name for name in at_import if part_of(name) in forbidden}


def test_only_the_compat_module_imports_trdg():
    knowing = {module for module, path in MODULES.items() if "trdg" in roots(imports_of(path))}
    assert knowing == {"ocrlib.render.trdg_compat"}
    calling = {m for m, path in MODULES.items() if "ocrlib.render.trdg_compat" in imports_of(path)}
    assert calling <= {"ocrlib.text.words"}, "drawing a line must not pay for trdg's import"


def test_there_are_no_import_circles():
    graph = {module: ours(imports_of(path, lazy=False)) - {module} for module, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("module", ["ocrlib.factory", "generate_data"])
def test_a_worker_starts_without_tensorflow_trdg_or_matplotlib(module):
    heavy = ["tensorflow", "keras", "trdg", "matplotlib", "scipy", "pandas", "pyarrow"]
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
