"""With the dependencies of reading alone, reading works, and every other command says what to install, in one line."""

import tomllib
from importlib.metadata import packages_distributions

import pytest

from ocrlib.extras import BROUGHT, EXTRA_OF
from tests.programs import ROOT, Outcome, run_program
from tests.test_architecture import MODULES, imports_of, roots

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Imported from a package that another name brings, or only where it is there already.
BROUGHT_ALONG = {"keras": "tensorflow", "markupsafe": "jinja2"}


def brought_by(requirements: list[str]) -> set[str]:
    """The distributions of a list of requirements, those of our own extras included."""
    names: set[str] = set()
    for requirement in requirements:
        name = requirement.partition("[")[0].split(">")[0].split("=")[0].strip()
        if name == "ocrlib":
            for extra in requirement.partition("[")[2].rstrip("]").split(","):
                names |= brought_by(PROJECT["optional-dependencies"][extra])
        else:
            names.add(name.lower().replace("_", "-"))
    return names


def test_every_import_is_of_the_base_or_has_an_extra_that_brings_it():
    base = brought_by(PROJECT["dependencies"])
    distributions = packages_distributions()
    for module, path in MODULES.items():
        for package in roots(imports_of(path)) & distributions.keys() - {"ocrlib"}:
            name = BROUGHT_ALONG.get(package, distributions[package][0]).lower().replace("_", "-")
            if name in base or name == "setuptools":
                continue
            extra = EXTRA_OF.get(package)
            assert extra is not None, f"{module} imports {package}, which EXTRA_OF does not know"
            assert name in brought_by(PROJECT["optional-dependencies"][extra]), (module, package, extra)


def test_what_brings_what_is_as_the_project_says():
    extras = PROJECT["optional-dependencies"]
    for name, others in BROUGHT.items():
        for other in others:
            assert brought_by(extras[other]) < brought_by(extras[name])


def test_what_all_brings_is_every_extra_of_a_user():
    extras = PROJECT["optional-dependencies"]
    users = {name for name in extras if name not in ("all", "dev", "docs")}
    assert brought_by(extras["all"]) == set().union(*(brought_by(extras[name]) for name in users))
    assert set(EXTRA_OF.values()) <= users


# A program in which no package but those of the base can be imported.
BARE = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(EXTRA_OF)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
sys.path.insert(0, {str(ROOT)!r})
"""


def run_bare(code: str) -> Outcome:
    return run_program("-c", BARE + code)


def command(*arguments: object) -> str:
    return f"sys.argv[1:] = {list(map(str, arguments))!r}\nimport ocrlib.cli\nocrlib.cli.entry()"


def test_reading_needs_no_extra():
    done = run_bare(command("predict", "--model", "numeric", "--check", "luhn", "--format", "json", "examples"))
    assert (done.code, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 5
    done = run_bare(f"import ocrlib\nprint(ocrlib.Reader().read({str(ROOT / 'examples' / 'line-1.png')!r}).text)")
    assert done.stdout == (ROOT / "examples" / "line-1.gt.txt").read_text()


@pytest.mark.parametrize(
    ("code", "package", "extra"),
    [
        (command("evaluate", "--model", "numeric", "examples"), "pydantic", "data"),
        (command("verify", "datasets/numeric"), "pydantic", "data"),
        (command("card", "datasets/numeric"), "pydantic", "data"),
        (command("import", "examples", "--out", "lines"), "pydantic", "factory"),
        (command("unpack", "datasets/numeric", "--layout", "csv", "--out", "lines"), "lmdb", "factory"),
        (command("export", "--model", "numeric", "--out", "numeric.onnx"), "keras", "export"),
        (command("review", "examples", "--model", "numeric"), "rapidfuzz", "web"),
        (command("predict", "--model", "ocrlib/pretrained/numeric.keras", "examples"), "keras", "train"),
    ],
)
def test_a_command_whose_extra_is_missing_says_so_in_one_line(code: str, package: str, extra: str):
    done = run_bare(code)
    assert done.stderr == f"this needs {package}, which is not installed: pip install 'ocrlib[{extra}]'\n"
    assert (done.code, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("call", "extra"),
    [
        ("ocrlib.make_dataset('datasets/numeric.toml')", "factory"),
        ("ocrlib.train('datasets/numeric', 'runs/none')", "train"),
        ("ocrlib.evaluate('numeric', 'examples')", "data"),
        ("ocrlib.load", "train"),
        ("ocrlib.read_hdf5", "data"),
        ("ocrlib.Reader('ocrlib/pretrained/numeric.keras')", "train"),
    ],
)
def test_a_function_whose_extra_is_missing_raises_the_same_line(call: str, extra: str):
    done = run_bare(f"import ocrlib\ntry:\n    {call}\nexcept ocrlib.UserError as error:\n    print(error)")
    assert done.stdout.endswith(f"which is not installed: pip install 'ocrlib[{extra}]'\n"), done.stderr
