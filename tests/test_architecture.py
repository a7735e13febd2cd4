"""The floor plan, checked by reading every import: a room imports only the rooms before it, and making data and reading never import each other."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.programs import ROOT, run_code

# Each room may import the ground floor, itself, and the rooms before it in its half. The first three are in both halves.
MAKING = ["pictures", "html", "dataset", "factory", "imports"]
READING = [
    "pictures",
    "html",
    "dataset",
    "batches",
    "network",
    "reading",
    "evaluation",
    "web",
    "training",
    "pretrained",
]
GROUND = "ground floor"  # a module right below ocrlib/
DOORS = {
    "ocrlib",
    "ocrlib.api",
    "ocrlib.cli",
    "ocrlib.commands.data",
    "ocrlib.commands.dataset",
    "ocrlib.commands.evaluate",
    "ocrlib.commands.export",
    "ocrlib.commands.predict",
    "ocrlib.commands.imports",
    "ocrlib.commands.language_model",
    "ocrlib.commands.page",
    "ocrlib.commands.reading",
    "ocrlib.commands.train",
    "ocrlib.commands.web",
    "ocrlib.__main__",
    "ocrlib.replay",
    "generate_data",
    "train_from_records",
}  # lead into every room
FRAMEWORKS = {"tensorflow", "keras", "tf2onnx", "onnxruntime", "tensorboard"}

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


def room_of(module: str) -> str:
    """`factory` for ocrlib.factory.render.line."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and (ROOT / "ocrlib" / parts[1]).is_dir() else GROUND


def allowed_rooms(room: str) -> set[str]:
    """The rooms that a module of `room` may import."""
    half = next((half for half in (READING, MAKING) if room in half), [])
    return {GROUND, *half[: half.index(room) + 1 if room in half else 0]}


def ours(names: set[str]) -> set[str]:
    """The names that are modules of ocrlib; objects in modules and the package itself are left out."""
    return {name for name in names if name in MODULES} - {"ocrlib"}


def roots(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def test_the_plan_names_every_room():
    rooms = {path.name for path in (ROOT / "ocrlib").iterdir() if (path / "__init__.py").exists()}
    assert rooms == {*MAKING, *READING, "commands"}


@pytest.mark.parametrize("module", sorted(MODULES.keys() - DOORS))
def test_a_room_imports_only_the_rooms_before_it(module):
    found = ours(imports_of(MODULES[module]))
    assert {room_of(name) for name in found} <= allowed_rooms(room_of(module))
    assert not found & DOORS


@pytest.mark.parametrize("module", sorted(DOORS))
def test_a_door_imports_the_rooms_only_when_it_is_used(module):
    """Its own import loads only light modules: the ground floor, and the settings that find a typo."""
    at_import = ours(imports_of(MODULES[module], lazy=False))
    assert {room_of(name) for name in at_import} <= {GROUND, "dataset", "commands"} or at_import <= {
        *(name for name in at_import if room_of(name) in (GROUND, "commands")),
        "ocrlib.factory.recipe",
        "ocrlib.training.settings",
    }


@pytest.mark.parametrize("module", sorted(MODULES))
def test_making_knows_no_framework_and_only_tests_know_trdg(module):
    found = roots(imports_of(MODULES[module]))
    assert "trdg" not in found
    if room_of(module) in MAKING:
        assert not found & FRAMEWORKS


@pytest.mark.parametrize("path", sorted((ROOT / "ocrlib").rglob("__init__.py")), ids=str)
def test_each_room_has_a_map_that_names_its_modules(path):
    if path.parent.name in ("ocrlib", "pretrained"):
        return
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    inside = {p.stem for p in path.parent.glob("*.py")} - {"__init__"}
    inside |= {p.name + "/" for p in path.parent.iterdir() if (p / "__init__.py").exists()}
    assert {name for name in inside if name not in text.replace(",", " ").split()} == set()


def test_there_are_no_import_circles():
    graph = {module: ours(imports_of(path, lazy=False)) - {module} for module, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("module", ["ocrlib.factory.make", "generate_data"])
def test_a_worker_starts_without_tensorflow_trdg_or_matplotlib(module):
    heavy = ["tensorflow", "keras", "trdg", "matplotlib", "scipy", "pandas", "pyarrow"]
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    assert run_code(code) == "[]\n"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_nothing_needs_what_windows_or_a_simple_disk_lacks(module):
    """Locks are filelock's, and a hard link is replaced by a copy in one place."""
    assert "fcntl" not in roots(imports_of(MODULES[module]))
    assert module == "ocrlib.files" or "os.link" not in MODULES[module].read_text(encoding="utf-8")
