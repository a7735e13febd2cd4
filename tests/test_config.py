"""config: a file and a command line become one dataclass, and every mistake becomes one line."""

from dataclasses import field
from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.errors import UserError
from ocrlib.invocation import command
from ocrlib.training.settings import RunConfig


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Wheel:
    spokes: Annotated[int, Field(ge=3)] = 20
    tyre: str | None = None


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Bell:
    TAG: ClassVar[str] = "bell"
    sound: Literal["bell"]
    pitch: float = 1.0


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Horn:
    TAG: ClassVar[str] = "horn"
    sound: Literal["horn"]
    loud: bool = True


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Bicycle:
    name: str
    wheels: tuple[Wheel, ...] = ()
    front: Wheel = field(default_factory=Wheel)
    signal: Annotated[Bell | Horn, Field(discriminator="sound")] = field(default_factory=lambda: Bell(sound="bell"))

    def __post_init__(self) -> None:
        if self.name == "monocycle" and self.wheels:
            raise ValueError("a monocycle has no more wheels")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, Bicycle(name="b", front=Wheel(spokes=5))),
        ({"front.spokes": "36"}, Bicycle(name="b", front=Wheel(spokes=36))),
        ({"name": "tandem"}, Bicycle(name="tandem", front=Wheel(spokes=5))),
        ({"name": '"quoted"'}, Bicycle(name="quoted", front=Wheel(spokes=5))),
        ({"name": "123"}, Bicycle(name="123", front=Wheel(spokes=5))),  # a number to TOML, a string to the field
        ({"name": "0.10"}, Bicycle(name="0.10", front=Wheel(spokes=5))),  # as typed, not 0.1
        ({"name": "true"}, Bicycle(name="true", front=Wheel(spokes=5))),
        ({"wheels": "[{spokes = 9}]"}, Bicycle(name="b", front=Wheel(spokes=5), wheels=(Wheel(spokes=9),))),
        ({"signal.sound": "horn", "signal.loud": "false"}, Bicycle(name="b", front=Wheel(spokes=5), signal=Horn(sound="horn", loud=False))),
    ],
)  # fmt: skip
def test_the_command_line_wins_over_the_file(overrides, expected):
    assert config.build(Bicycle, {"name": "b", "front": {"spokes": 5}}, overrides, "b.toml") == expected


def test_the_given_data_is_not_changed():
    data = {"name": "b", "front": {"spokes": 5}}
    config.build(Bicycle, data, {"front.spokes": "9"}, "b.toml")
    assert data == {"name": "b", "front": {"spokes": 5}}


@pytest.mark.parametrize(
    ("data", "overrides", "message"),
    [
        ({}, {}, "b.toml: the top level lacks the key 'name'"),
        ({"nam": "b"}, {}, "b.toml: the top level has no key 'nam'; did you mean 'name'?"),
        ({"name": "b", "zzz": 1}, {}, "b.toml: the top level has no key 'zzz'; it knows name, wheels, front, signal"),
        ({"name": 5}, {}, "b.toml: name must be a valid string, not 5"),
        ({"name": "b", "front": {"spoke": 5}}, {}, "b.toml: [front] has no key 'spoke'; did you mean 'spokes'?"),
        ({"name": "b", "front": {"spokes": "5"}}, {}, 'b.toml: [front] spokes must be a valid integer, not "5"'),
        ({"name": "b", "front": {"spokes": True}}, {}, "b.toml: [front] spokes must be a valid integer, not true"),
        ({"name": "b", "front": {"spokes": 2}}, {}, "b.toml: [front] spokes must be greater than or equal to 3, not 2"),
        ({"name": "b", "wheels": [{}, {"spokes": 2}]}, {}, "b.toml: [wheels.1] spokes must be greater than or equal to 3, not 2"),
        ({"name": "b", "wheels": [{"tire": "x"}]}, {}, "b.toml: [wheels.0] has no key 'tire'; did you mean 'tyre'?"),
        ({"name": "b"}, {"front.spokes": "2"}, "--front.spokes: [front] spokes must be greater than or equal to 3, not 2"),
        ({"name": "b"}, {"front.spoke": "2"}, "--front.spoke: [front] has no key 'spoke'; did you mean 'spokes'?"),
        ({"name": "b"}, {"name.first": "x"}, "--name.first: 'name' is a value, not a section"),
        ({"name": "b", "signal": {"sound": "gong"}}, {}, "b.toml: [signal] sound must be one of 'bell', 'horn', not 'gong'"),
        ({"name": "b", "signal": {}}, {}, "b.toml: [signal] lacks the key 'sound'"),
        ({"name": "b", "signal": {"sound": "horn", "pitch": 2}}, {}, "b.toml: [signal] has no key 'pitch'; it knows sound, loud"),
        ({"name": "b", "signal": {"sound": "horn", "laud": 2}}, {}, "b.toml: [signal] has no key 'laud'; did you mean 'loud'?"),
        ({"name": "b", "front": 3}, {}, "b.toml: front must be a table, not 3"),
        ({"name": "monocycle", "wheels": [{}]}, {}, "b.toml: a monocycle has no more wheels"),
        ({"nam": "b", "front": {"spokes": 2}}, {}, "b.toml: the top level has no key 'nam'; did you mean 'name'?"),
    ],
)  # fmt: skip
def test_every_mistake_is_one_line_with_place_key_expected_and_given(data, overrides, message):
    with pytest.raises(UserError) as caught:
        config.build(Bicycle, data, overrides, "b.toml")
    assert str(caught.value) == message


def test_text_that_cannot_be_encoded_is_one_line_too():
    with pytest.raises(UserError) as caught:
        config.build(Bicycle, {"name": "b"}, {"name": "\udcff"}, "b.toml")
    assert "\n" not in str(caught.value)


def test_to_dict_and_build_are_inverse():
    bicycle = Bicycle(name="b", wheels=(Wheel(spokes=9, tyre="x"),), signal=Horn(sound="horn"))
    assert config.build(Bicycle, config.to_dict(bicycle), {}, "b.toml") == bicycle


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, f"no such file; `{command('recipes')}` lists the recipes that come along"),
        (b"name = \n", "is not valid TOML: Invalid value (at line 1, column 8)"),
        (b"name = 'a'\nname = 'b'\n", "is not valid TOML: Cannot overwrite a value"),
        (b"\xff\xfe", "cannot be read: 'utf-8' codec can't decode"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, content, says):
    path = tmp_path / "b.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        config.read_toml(path)
    assert str(caught.value).startswith(f"{path}: {says}")
    assert "\n" not in str(caught.value)


def test_a_recipe_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "b.toml"
    path.write_text("name = 'é'\n", encoding="utf-8-sig")
    assert config.read_toml(path) == {"name": "é"}


def test_a_folder_is_not_a_recipe(tmp_path):
    with pytest.raises(UserError, match="cannot be read: .*Is a directory"):
        config.read_toml(tmp_path)


def test_a_switch_and_an_encoder_must_agree():
    for section in (
        {"use_lstm": True, "encoder": "lstm"},
        {"use_lstm": False, "encoder": "dilated"},
        {"encoder": "lstm"},
    ):
        config.build(RunConfig, {"model": section}, {}, "the settings")
    for section in ({"use_lstm": True, "encoder": "conv"}, {"use_lstm": False, "encoder": "lstm"}):
        with pytest.raises(UserError, match="contradicts encoder"):
            config.build(RunConfig, {"model": section}, {}, "the settings")


@pytest.mark.parametrize("text", [".".join("a" * 20_000) + " = 1", "[" + " . ".join("a" * 5000) + "]", "[" * 300_000])
def test_a_key_of_thousands_of_parts_is_refused_before_it_is_parsed(text, tmp_path, monkeypatch):
    (tmp_path / "deep.toml").write_text(f"name = 'a'\n{text}\n")
    if "a" in text:
        monkeypatch.setattr(config.tomllib, "loads", lambda text: pytest.fail("it takes gigabytes"))
    with pytest.raises(UserError, match="deep.toml: is not valid TOML"):
        config.read_toml(tmp_path / "deep.toml")
