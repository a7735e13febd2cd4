"""TOML and overrides in, validated frozen dataclass out: recipes and the settings of a training are both made here.

pydantic checks types and ranges. This file merges the sources, and turns pydantic's findings into one line that names
the place, the key, what was expected and what was given.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ocrlib.errors import UserError
from ocrlib.files import read_regular
from ocrlib.invocation import command

C = TypeVar("C")

# Every config dataclass uses this: an unknown key is the user's mistake; `--help` shows the docstring under each key.
STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)
_DEEP_KEY = re.compile(r"^[ \t]*(?:[^\s.=#]+[ \t]*\.[ \t]*){100}", re.MULTILINE)  # would take gigabytes to parse
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
MAX_TOML_BYTES = 1 << 20  # the recipes that come with ocrlib have some kilobytes; a long list belongs into a file


def read_toml(path: Path) -> dict[str, Any]:
    """Returns the tables of a TOML file; raises UserError if it cannot be read."""
    try:
        text = read_regular(path, MAX_TOML_BYTES, through_links=True).decode(
            "utf-8-sig"
        )  # Windows editors begin with a BOM
        if _DEEP_KEY.search(text):
            raise RecursionError
        tables = tomllib.loads(text)
        json.dumps(tables, default=str)  # what is nested too deeply can be read, and nothing else
        return tables
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `{command('recipes')}` lists the recipes that come along") from None
    except RecursionError:
        raise UserError(f"{path}: is not valid TOML: it is nested too deeply") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except ValueError as error:  # a TOMLDecodeError, or a number of thousands of digits
        raise UserError(f"{path}: is not valid TOML: {error}") from None


def build(cls: type[C], data: Mapping[str, Any], overrides: Mapping[str, str], where: str) -> C:
    """Returns an instance of the dataclass `cls` made from `data`; overrides win over `data`.

    Args:
      data: nested tables, as TOML gives them. Not changed.
      overrides: {"section.key": text}; the text is read as a TOML value, or, if it is none, as a plain string.
      where: the name of the data's source for messages, usually a file name.

    Raises:
      UserError: an unknown key, a wrong type or an impossible value, in one line.
    """
    values = {name: _toml_value(text) for name, text in overrides.items()}
    try:
        return _validate(cls, _merged(data, values))
    except ValidationError as error:
        # `--text.charset 123` is a number in TOML but meant as a string: only the field knows which it is.
        for item in error.errors():
            name = ".".join(_resolve(cls, item["loc"]).path)
            if item["type"] == "string_type" and name in values:
                values[name] = overrides[name]
    try:
        return _validate(cls, _merged(data, values))
    except ValidationError as error:
        raise UserError(_one_line(cls, error, overrides, where)) from None


def to_dict(config: Any) -> dict[str, Any]:
    """Returns the dataclass as JSON-ready nested dicts and lists."""
    return json.loads(json.dumps(asdict(config)))


@cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def _validate(cls: Any, data: Mapping[str, Any]) -> Any:
    # Through JSON, because pydantic's strict JSON mode accepts a list as a tuple but refuses "1000" as 1000.
    return _adapter(cls).validate_json(json.dumps(data, default=str), strict=True)


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # no TOML, thousands of digits, thousands of brackets
        return text


def _merged(data: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    merged = json.loads(json.dumps(data, default=str))
    for name, value in values.items():
        table, *path = merged, *name.split(".")
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise UserError(f"--{name}: '{part}' is a value, not a section")
        table[path[-1]] = value
    return merged


def _one_line(cls: type, error: ValidationError, overrides: Mapping[str, str], where: str) -> str:
    """Words one finding: `datasets/numeric.toml: [render] has no key 'blurr'; did you mean 'blur'?`"""
    # Unknown keys first: "no key 'trian'; did you mean 'train'?" helps more than "lacks the key 'train'".
    found = sorted(error.errors(), key=lambda item: item["type"] != "unexpected_keyword_argument")[0]
    path, owner, is_table = _resolve(cls, found["loc"])
    if is_table and found["type"] == "value_error":  # a rule over several keys
        return f"{where}: {_section(path)}{found['ctx']['error']}"
    if found["type"] == "missing" and path[-1].isdecimal():
        expected = f"must have more than {path[-1]} items"
    else:
        expected = found["msg"].removeprefix("Value error, ").replace("an object", "a table")
        expected = re.sub(r"^\w+ should (.*?)( after validation.*)?$", r"must \1", expected)
    while path and path[-1].isdecimal():  # name the list, not its item
        path.pop()
    *tables, key = path or [""]
    place = f"--{'.'.join(path)}" if ".".join(path) in overrides else where
    if found["type"] == "unexpected_keyword_argument":
        # `--rendr.height 32` adds a whole section that is unknown.
        place = next((f"--{name}" for name in overrides if f"{name}.".startswith(f"{'.'.join(path)}.")), place)
        known = [field.name for field in fields(owner)]
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"it knows {', '.join(known)}"
        return f"{place}: {_section(tables) or 'the top level '}has no key '{key}'; {hint}"
    if found["type"].startswith("union_tag_"):
        tag = found["ctx"]["discriminator"].strip("'")
        if found["type"] == "union_tag_not_found":
            return f"{place}: [{key}] lacks the key '{tag}'"
        return f"{place}: [{key}] {tag} must be one of {found['ctx']['expected_tags']}, not {found['ctx']['tag']!r}"
    if expected.startswith("must "):
        return f"{place}: {_section(tables)}{key} {expected}, not {json.dumps(found['input'], default=str)}"
    if found["type"] == "missing":
        return f"{place}: {_section(tables) or 'the top level '}lacks the key '{key}'"
    return ": ".join(filter(None, (place, _section(tables) + key, expected)))


def _section(tables: Sequence[str]) -> str:
    return f"[{'.'.join(tables)}] " if tables else ""


class _Place(NamedTuple):
    """The place of an error in a config: the user's key path, the dataclass that has its last key, and whether that key
    is a table."""

    path: list[str]
    owner: type
    is_table: bool


def _resolve(cls: type, loc: tuple[int | str, ...]) -> _Place:
    """Returns a pydantic location in the user's terms."""
    path: list[str] = []
    owner: type = cls
    hint: Any = cls
    for part in loc:
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        tags = {getattr(member, "TAG", None): member for member in get_args(hint)}
        if part in tags:  # pydantic adds the chosen member of a union, which the user has not written
            hint = tags[part]
            continue
        path.append(_CONTROL.sub(lambda found: ascii(found[0])[1:-1], str(part)))  # a stranger's key in one line
        if is_dataclass(hint):
            owner = hint  # type: ignore[assignment]
            hint = get_type_hints(hint, include_extras=True).get(str(part))
        else:
            members = get_args(hint) or (None,)
            hint = members[-1 if get_origin(hint) is dict else 0]
    return _Place(path, owner, is_dataclass(hint))
