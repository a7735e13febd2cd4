"""The command line: options, `--section.key VALUE`, what `--help` says about each key, and exit codes.

A mistake is answered with one line.
"""

import argparse
import difflib
import errno
import inspect
import json
import os
import re
import signal
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin, get_type_hints

from ocrlib.errors import UserError, WorkerError
from ocrlib.extras import advice_on
from ocrlib.output import guarded


class Parser(argparse.ArgumentParser):
    """An ArgumentParser without abbreviations, whose errors are one line and whose epilog keeps its lines.

    Args:
      settings: the dataclass whose keys can be given as `--section.key VALUE`; `--key` is answered with that name.
      options: an ArgumentParser's own.
    """

    def __init__(self, *, settings: type | None = None, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options)
        self._settings = settings

    def error(self, message: str) -> NoReturn:
        print(
            f"{self.prog}: {message}{' see' if message.endswith('?') else '; see'} {self.prog} --help", file=sys.stderr
        )
        raise SystemExit(2)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # argparse calls it for each command
        """Parses arguments; an option that is unknown is answered first, with the name that was meant."""
        given = sys.argv[1:] if args is None else list(args)
        options = given[: given.index("--")] if "--" in given else given
        if self._subparsers is None:
            for token in options:
                name = token.partition("=")[0]
                if name.startswith("--") and name not in self._option_string_actions and (meant := self._meant(name)):
                    self.error(f"unrecognized arguments: {token}; did you mean {meant}?")
        return super().parse_known_args(args, namespace)

    def _meant(self, name: str) -> str | None:
        """The options and settings that an unknown one may stand for, or None."""
        keys = re.findall(r"^ *(--\S+)", describe(self._settings), re.MULTILINE) if self._settings else []
        named = [key for key in keys if key.rpartition(".")[2] == name.removeprefix("--")]
        known = [*self._option_string_actions, *keys]
        return " or ".join((named or difflib.get_close_matches(name, known, n=1))[:3]) or None


def share(text: str) -> float:
    """Returns a share that an option was given, for `type=`.

    Raises:
      argparse.ArgumentTypeError: it is not a number from 0 to below 1.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"expected a share from 0 to below 1, not {text!r}")
    return value


def whole_number(least: int = 0, most: int | None = None) -> Callable[[str], int]:
    """Returns what reads a whole number from `least` to `most` that an option was given, for `type=`.

    It raises argparse.ArgumentTypeError for anything else.
    """
    if most is not None:
        expected = f"a whole number from {least} to {most}"
    else:
        expected = f"at least {least}" if least else "a whole number"

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
            raise argparse.ArgumentTypeError(f"expected {expected}, not {text!r}")
        return int(text)

    return read


_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def place(text: str) -> Path | str:
    """Returns where a dataset is, for `type=`; as `find_place`, but raises argparse.ArgumentTypeError."""
    try:
        return find_place(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def find_place(text: str) -> Path | str:
    """Returns where a dataset is: a folder, or an address such as `s3://bucket/numeric`, which stays a text.

    Raises:
      UserError: an address that names nothing, or with characters that no line of text has; it is not repeated, because
        it may hold a password.
    """
    if text.lower().startswith("file://"):
        return Path(text[len("file://") :])
    if not (kind := _ADDRESS.match(text)):
        return Path(text)
    parts = text[kind.end() :].split("/")
    # Folders of the cache have the last part's name.
    if not text.isprintable() or not any(parts) or not {".", ".."}.isdisjoint(parts):
        raise UserError("expected an address such as s3://bucket/numeric, in one line")
    return text


def local_path(text: str) -> Path:
    """Returns a file or a folder that an option was given, for `type=`.

    Raises:
      argparse.ArgumentTypeError: it is an address; it is not repeated, because it may hold a password.
    """
    if _ADDRESS.match(text):
        raise argparse.ArgumentTypeError("expected files or folders, not an address; fetch them first")
    return Path(text)


def split_overrides(
    argv: Sequence[str], top_level: Sequence[str] = (), besides: Sequence[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """Separates `--section.key VALUE` from the other arguments.

    Args:
      argv: the arguments.
      top_level: keys without a section that count too.
      besides: names with a section that do not count, because they are options of another kind.

    Returns:
      The remaining arguments in order, and {"section.key": raw value}. A key with no value after it is "true".
    """
    rest: list[str] = []
    overrides: dict[str, str] = {}
    tokens = list(argv)
    while tokens:
        token = tokens.pop(0)
        name, equals, value = token.removeprefix("--").partition("=")
        if not token.startswith("--") or name in besides or not ("." in name or name in top_level):
            rest.append(token)
        elif equals:
            overrides[name] = value
        elif tokens and not tokens[0].startswith("--"):
            overrides[name] = tokens.pop(0)
        else:
            overrides[name] = "true"
    return rest, overrides


def describe(cls: type) -> str:
    """Returns what can be set, for `--help`: each section with its keys, their defaults and what they mean."""
    top = [key for key in fields(cls) if not _tables(get_type_hints(cls)[key.name])]
    return "\n\n".join(filter(None, ("\n".join(_keys(cls, "--", top)), *_sections(cls, ""))))


def _sections(cls: type, prefix: str) -> Iterator[str]:
    for section in fields(cls):
        name, hint = prefix + section.name, get_type_hints(cls)[section.name]
        for table in _tables(hint):
            title = "\n  ".join(filter(None, (inspect.getdoc(table) or "").splitlines()))
            if get_origin(hint) in (tuple, dict):  # such tables are written in the TOML file, not in the command
                yield "\n  ".join([f"Each of {name}: {title}", *_keys(table, "", fields(table))])
            else:
                yield "\n  ".join([title, *_keys(table, f"--{name}.", fields(table))])
            if not prefix:
                yield from _sections(table, f"{name}.")


def _tables(hint: Any) -> list[type]:
    """The dataclasses that a value of that type may be, or be a list of."""
    return [part for part in get_args(hint) or [hint] if isinstance(part, type) and is_dataclass(part)]


def _keys(cls: type, prefix: str, keys: Iterable[Field[Any]]) -> Iterator[str]:
    """Yields lines: `--section.key default (choices)`, then the key's docstring, indented.

    A small table within the section gives a line for each of its keys; the docstring is the table's own.
    """
    for key in keys:
        hint = get_type_hints(cls)[key.name]
        tables = [] if get_origin(hint) in (tuple, dict) else _tables(hint)
        if not tables:
            parts = [hint, *get_args(hint)]
            choices = next((get_args(part) for part in parts if get_origin(part) is Literal), ())
            shown = f" ({', '.join(map(str, choices))})" if len(choices) > 1 else ""
            yield f"{prefix}{key.name} {_default(key)}".rstrip() + shown
        elif len(fields(tables[0])) < 5:
            yield from (f"{prefix}{key.name}.{inner.name} {_default(inner)}" for inner in fields(tables[0]))
        else:  # a section of its own
            continue
        yield from textwrap.wrap(_docstring(cls, key.name), 100, initial_indent="    ", subsequent_indent="    ")


def _docstring(cls: type, key: str) -> str:
    """The docstring under a key, where the class or the first of its bases has one."""
    known = (vars(base).get("__pydantic_fields__", {}).get(key) for base in inspect.getmro(cls))
    return next((field.description for field in known if field is not None and field.description), "")


def _default(key: Field[Any]) -> str:
    """The default as one writes it, or its beginning; nothing where there is none, or where it is None."""
    value = key.default if key.default_factory is MISSING else key.default_factory()
    text = "" if value is MISSING or value is None else json.dumps(value, default=asdict, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def new_file(text: str) -> Path:
    """Returns a path to write to; refused before the work is done, not after it."""
    path = Path(text)
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{path}: cannot be written: expected a file in a folder that is there")
    return path


def new_folder(text: str) -> Path:
    """Returns a folder to write to, there or not; refused before the work is done, not after it."""
    path = Path(text)
    there = path if path.exists() else path.parent
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise argparse.ArgumentTypeError(
            f"{path}: cannot be written: expected a folder, or a new one in one that is there"
        )
    return path


def run_main(main: Callable[[], int | None], interrupted: str) -> NoReturn:
    """Runs a program's main and exits with 0 (done), 2 (the user's mistake, in one line) or 1 (anything else).

    Args:
      interrupted: the message after Ctrl-C or SIGTERM.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with guarded() as (stdout, _):
        code = _exit_code(main, interrupted)
        stdout.flush()
        # Nobody reads any more (`| head`): they have what they wanted. A full disk is another matter.
        if code == 0 and stdout.error is not None and not isinstance(stdout.error, BrokenPipeError):
            print(f"standard output: {stdout.error.strerror}; all else is done", file=sys.stderr)
            code = 1
    raise SystemExit(code)


def _exit_code(main: Callable[[], int | None], interrupted: str) -> int:
    traceback = "--traceback" in sys.argv  # for those who mend ocrlib; in no help text
    if traceback:
        sys.argv.remove("--traceback")
    try:
        return main() or 0
    except KeyboardInterrupt:
        print(f"\nstopped; {interrupted}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # such as `| head`
        return 0
    except Exception as error:
        if traceback:
            raise
        line, code = _told(error, interrupted)
        print(line, file=sys.stderr)
        return code


# What a library says that does not fit into memory when it is imported.
_NO_MEMORY = ("failed to map segment", "bad_alloc", "annot allocate memory")
_MOST_TOLD = 5000  # characters of an error; a path has 4,096 bytes at most


def _told(error: Exception, interrupted: str) -> tuple[str, int]:
    """Returns what a person is told of an error, in one line, and the exit code."""
    message = " ".join(str(error).split())
    if len(message) > _MOST_TOLD:  # a file of a stranger may hold a name or a value of any length
        message = f"{message[: _MOST_TOLD // 2]} ... {message[-_MOST_TOLD // 2 :]}"
    if isinstance(error, UserError):
        return message, 2
    if isinstance(error, ModuleNotFoundError) and (advice := advice_on(error)) is not None:
        return advice, 2
    if isinstance(error, WorkerError):
        lines = str(error).splitlines()
        if len(lines) == 1:
            return message, 1
        task = lines[0].removesuffix("Traceback (most recent call last):")  # the trace of the worker is between them
        return f"{task}{lines[-1]}; the same command with --traceback tells more", 1
    if isinstance(error, FloatingPointError):
        return message, 1
    if isinstance(error, OSError):  # a full disk, a folder without permission: the machine's answer
        place = f"{error.filename}: " if error.filename is not None else ""
        if error.errno == errno.ENAMETOOLONG:
            return f"{place}{error.strerror}", 2
        return f"{place}{error.strerror or error}; {interrupted}", 1
    if isinstance(error, MemoryError) or (isinstance(error, ImportError) and any(s in message for s in _NO_MEMORY)):
        return f"not enough memory; {interrupted}", 1
    if isinstance(error, RecursionError):
        return f"something is nested too deeply; {interrupted}", 1
    kind = type(error).__name__
    told = f"{kind}: {message[:300]}"
    return f"an error that ocrlib does not expect: {told}; the same command with --traceback tells more", 1
