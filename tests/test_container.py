"""The Dockerfile, as far as it can be held without docker: what it copies is there and is sent, and what it runs exists."""

import re
import subprocess
import tomllib
from fnmatch import fnmatch

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from ocrlib import __version__
from tests.programs import ROOT

LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()


def copied() -> list[str]:
    """What the image takes from the checkout."""
    copies = [line.split()[1:-1] for line in LINES if line.startswith("COPY ")]
    return [name for names in copies for name in names]


def test_what_is_copied_is_there_and_not_left_out():
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert len(copied()) >= 8
    for name in copied():
        assert list(ROOT.glob(name)), name
        assert any(fnmatch(name, each) or name == each for each in sent), name


def test_what_a_wheel_is_built_of_is_copied():
    assert {"pyproject.toml", "setup.py", "README.md", "LICENSE", "ocrlib", "datasets/*.toml"} <= set(copied())


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_each_package_that_is_read_with_has_one_version(python: str):
    (sed,) = re.findall(r"(sed -nE '[^']+' requirements\.lock)", "\n".join(LINES))
    rows = subprocess.run(sed, shell=True, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    here = {**default_environment(), "python_version": python, "python_full_version": f"{python}.1"}
    asked = [each for each in map(Requirement, rows) if each.marker is None or each.marker.evaluate(here)]
    names = [each.name for each in asked]
    assert len(names) == len(set(names)) > 50
    assert {"numpy", "onnxruntime", "pillow", "python-stdnum", "tqdm"} <= set(names)


def test_both_images_run_our_command_as_a_user_without_rights():
    text = "\n".join(LINES)
    targets = {name: body for name, body in re.findall(r"FROM \S+ AS (\w+)\n(.*?)(?=\nFROM|\Z)", text, re.DOTALL)}
    assert {"read", "all"} <= targets.keys()
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    for name in ("read", "all"):
        (command,) = re.findall(r'^ENTRYPOINT \["(\w+)"\]$', targets[name], re.MULTILINE)
        assert command in scripts
        user = targets[name].index("USER reader")
        assert "RUN" not in targets[name][user:]


def test_the_version_is_the_same_everywhere():
    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"ocrlib-{__version__}-" in (ROOT / "docs" / "index.md").read_text()
