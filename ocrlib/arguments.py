"""The command line: options, `--section.key VALUE`, what `--help` says about each key, and exit codes.

A mistake is answered with one line.
"""

import argparse
import inspect
import json
import os
import signal
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from typing import Any, Literal, NoReturn, get_args, get_origin, get_type_hints

from ocrlib.errors import UserError, WorkerError


class Parser(argparse.ArgumentParser):
    """An ArgumentParser without abbreviations, whose errors are one line and whose epilog keeps its lines."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings)

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        raise SystemExit(2)


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
            if get_origin(hint) is tuple:  # tables in a list are written in the TOML file, not in the command
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
        tables = [] if get_origin(hint) is tuple else _tables(hint)
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


def run_main(main: Callable[[], int | None], interrupted: str) -> NoReturn:
    """Runs a program's main and exits with 0 (done), 2 (the user's mistake, in one line) or 1 (anything else).

    Args:
      interrupted: the message after Ctrl-C or SIGTERM.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = main() or 0
        sys.stdout.flush()
    except UserError as error:
        print(error, file=sys.stderr)
        code = 2
    except (WorkerError, FloatingPointError) as error:
        print(error, file=sys.stderr)
        code = 1
    except BrokenPipeError:  # such as `| head`; Python flushes once more at its end, which must not fail
        _drop_output()
        code = 0
    except OSError as error:  # a full disk, a folder without permission: the machine's answer, in one line
        place = f"{error.filename}: " if error.filename is not None else ""
        print(f"{place}{error.strerror or error}; {interrupted}", file=sys.stderr)
        _drop_output()
        code = 1
    except KeyboardInterrupt:
        print(f"\nstopped; {interrupted}", file=sys.stderr)
        code = 1
    raise SystemExit(code)


def _drop_output() -> None:
    """Python flushes standard output once more at its end; where that would fail, the rest goes nowhere."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
