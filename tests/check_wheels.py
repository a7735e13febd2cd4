"""What a stranger gets: the wheel and the sdist, installed by plain pip into empty environments, and used there.

Run as `python -m tests.check_wheels` for the base and for the sdist, of everything else only whether pip finds versions;
with `all` everything is installed and used. It needs a package index. Nothing of this checkout is seen: programs run in
an empty folder. Exit 1 if anything fails.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from setuptools import build_meta

from tests.programs import ROOT

MOST_MB = 200  # of the base, without pip
AIM_S = 0.5  # of processor time, to the first line; a busy machine takes longer, so it is only printed

# Reads the pictures that come along, as a user does.
READ = """
import sys
from pathlib import Path
import ocrlib
reader = ocrlib.Reader("numeric")
for picture in sorted(Path(sys.argv[1]).glob("*.png")):
    text = picture.with_suffix(".gt.txt").read_text().strip()
    assert reader.read(picture).text == text, (picture, text)
"""
# Makes 200 lines and trains on them for an epoch.
TRAIN = """
import sys
import ocrlib
if __name__ == "__main__":
    recipe = "lines.toml"
    open(recipe, "w").write(open(sys.argv[1]).read())
    settings = {"splits.train": 160, "splits.val": 20, "splits.test": 20}
    settings |= {"render.fonts": ["trdg:latin", "matplotlib"], "render.heldout_fonts": []}
    dataset = ocrlib.make_dataset(recipe, "lines", settings=settings)
    figures = ocrlib.train(dataset, "run", settings={"train.epochs": 1, "model.filters": 0.5})
    assert figures["datasets"]["lines"]["lines"] == 20
    assert ocrlib.evaluate("numeric", dataset)["lines"] == 20
"""


def main() -> int:
    """Builds, installs, uses; prints a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("base", "all"), default="base")
    what = parser.parse_args().what
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        wheel, sdist = build(work)
        if what == "base":
            check_base(work, wheel)
            check_versions(work, wheel)
        else:
            check_all(work, wheel)
        python = install(work / "of-sdist", sdist)
        run(work, python, READ, ROOT / "examples")
        print(f"{sdist.name}: installs, and reads")
    return 0


def build(work: Path) -> tuple[Path, Path]:
    """Returns the wheel and the sdist of what git knows of this checkout."""
    source = work / "source"
    source.mkdir()
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, names.decode().split("\0")):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            target.write_bytes((ROOT / name).read_bytes())
    os.chdir(source)
    with open(os.devnull, "w") as quiet:
        sys.stdout, kept = quiet, sys.stdout
        wheel, sdist = build_meta.build_wheel(str(work)), build_meta.build_sdist(str(work))
        sys.stdout = kept
    os.chdir(ROOT)
    return work / wheel, work / sdist


def install(environment: Path, what: Path, extra: str = "") -> Path:
    """Returns the Python of a new environment with a wheel or an sdist in it; prints what pip warned of."""
    venv.create(environment, with_pip=True)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    begin = time.monotonic()
    done = subprocess.run(
        [python, "-m", "pip", "install", "--disable-pip-version-check", f"{what}{extra}"],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"pip install {what.name}{extra}: {done.stderr[-2000:]}")
    # Where an index is a folder, pip says of each package that this folder lacks it.
    warned = [
        line for line in done.stderr.splitlines() if line.strip() and "neither a file nor a directory" not in line
    ]
    print(f"pip install {what.name}{extra}: {time.monotonic() - begin:.0f} s, {len(warned)} lines of warnings")
    print("".join(f"    {line}\n" for line in warned[:5]), end="")
    return python


def run(work: Path, python: Path, code: str, *arguments: object) -> None:
    """Runs a program in an empty folder, where nothing of this checkout is seen."""
    with tempfile.TemporaryDirectory(dir=work) as empty:
        (Path(empty) / "program.py").write_text(code)
        subprocess.run([python, "program.py", *map(str, arguments)], cwd=empty, check=True)


def check_base(work: Path, wheel: Path) -> None:
    """Installs the base, reads with it, and holds its size and the time to its first line against the bars."""
    python = install(work / "base", wheel)
    run(work, python, READ, ROOT / "examples")
    program = [python.with_name("ocrlib"), "predict", "--model", "numeric", ROOT / "examples" / "line-1.png"]
    subprocess.run(program, check=True, cwd=work, stdout=subprocess.DEVNULL)  # once, so that bytecode is there
    before = os.times()
    subprocess.run(program, check=True, cwd=work)
    after = os.times()
    seconds = after.children_user - before.children_user + after.children_system - before.children_system
    installed = [path for path in (work / "base").rglob("*") if path.is_file() and not path.is_symlink()]
    tools = ("pip", "setuptools", "pkg_resources")
    megabytes = sum(p.stat().st_size for p in installed if not any(part.startswith(tools) for part in p.parts)) / 2**20
    print(
        f"{wheel.name}: {megabytes:.0f} MB installed, {seconds:.2f} s of processor time to the first line (aim {AIM_S})"
    )
    missing = subprocess.run(
        [python, "-m", "ocrlib", "evaluate", "--model", "numeric", "."], capture_output=True, cwd=work
    )
    assert missing.returncode == 2 and b"pip install 'ocrlib[data]'" in missing.stderr, missing
    if megabytes > MOST_MB:
        sys.exit(f"expected at most {MOST_MB} MB")


def check_versions(work: Path, wheel: Path) -> None:
    """Finds versions of everything by plain pip, without installing it: fails where pip finds none that go together."""
    python = work / "base" / ("Scripts" if os.name == "nt" else "bin") / "python"
    command = [python, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--disable-pip-version-check"]
    done = subprocess.run([*command, f"{wheel}[all]"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"pip install --dry-run {wheel.name}[all]: {done.stderr[-2000:]}")
    warned = [line for line in done.stderr.splitlines() if "WARNING" in line and "neither a file nor" not in line]
    print(f"{wheel.name}[all]: pip finds versions that go together, and warns {len(warned)} times")
    assert all("'arabic-reshaper'" in line for line in warned), warned  # yanked, and pinned by trdg


def check_all(work: Path, wheel: Path) -> None:
    """Installs everything; reads, draws 200 lines and trains an epoch."""
    python = install(work / "all", wheel, "[all]")
    run(work, python, READ, ROOT / "examples")
    run(work, python, TRAIN, ROOT / "datasets" / "numeric.toml")
    print(f"{wheel.name}[all]: reads, draws and trains")


if __name__ == "__main__":
    sys.exit(main())
