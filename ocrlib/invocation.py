"""What a person is told to run next: a command that can be pasted into the terminal that it is printed to."""

import shlex
import shutil
import sys
from pathlib import Path


def command(*words: object) -> str:
    """Returns a command of ocrlib, quoted: `command("card", "my set")` is `python -m ocrlib card 'my set'`.

    It begins as the user began: with `ocrlib` where that was called, else with the Python that runs here, by its path
    where the terminal would find another one.
    """
    return shlex.join([*_program(), *map(str, words)])


def _program() -> list[str]:
    started = Path(sys.argv[0])
    if started.name == "ocrlib" and started.is_file():
        return ["ocrlib" if _is_found(started) else _near(started)]
    python = Path(sys.executable)
    name = next((name for name in ("python", "python3") if _is_found(python.with_name(name))), None)
    return [name or _near(python), "-m", "ocrlib"]


def _is_found(program: Path) -> bool:
    """Whether the terminal finds that very file by its name. A link to it is another one: environments are told so."""
    found = shutil.which(program.name)
    return found is not None and Path(found).absolute() == program.absolute()


def _near(path: Path) -> str:
    """The path as one would type it here."""
    whole = path.absolute()
    return str(whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else whole)
