"""Recipes: what may be said in one, how a mistake is answered, and what its fingerprint depends on."""

import copy
import tomllib

import pytest

from ocrlib import config
from ocrlib.errors import UserError
from ocrlib.factory.recipe import Recipe, Splits, fingerprint, load_recipe, recipe_from_dict
from ocrlib.factory.settings.render import FontSet, Render
from tests.generating import TINY
from tests.programs import ROOT

SHIPPED = sorted((ROOT / "datasets").glob("*.toml"))


def build(**tables):
    """The tiny recipe with some of its keys set otherwise: build(render={"height": 16})."""
    data = copy.deepcopy(tomllib.loads(TINY))
    for name, value in tables.items():
        data[name] = {**data.get(name, {}), **value} if isinstance(value, dict) else value
    return config.build(Recipe, data, {}, "tiny.toml")


def message_of(**tables):
    with pytest.raises(UserError) as caught:
        build(**tables)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix("tiny.toml: ")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_recipes_are_valid_and_named_like_their_file(path):
    assert load_recipe(path).name == path.stem


def test_a_recipe_reads_as_written(tiny_recipe):
    recipe = load_recipe(tiny_recipe, {"splits.train": "1000", "name": "other"})
    assert (recipe.name, recipe.seed) == ("other", 7)
    assert recipe.splits == Splits(train=1000, val=20, test=20)
    assert recipe.text.charset == "0123456789.,-"
    assert [(pattern.name, pattern.weight) for pattern in recipe.text.patterns] == [("integer", 3.0), ("amount", 1.0)]
    assert recipe.render.fonts == (FontSet(source="matplotlib"),)
    assert recipe.render.margins == ((1, 5), (2, 8), (1, 5), (2, 8))
    assert recipe.output.formats == ("tfrecord", "hdf5")


def test_a_recipe_survives_the_manifest():
    recipe = build(render={"background": {"plain_white": 2}, "fonts": ["matplotlib", {"source": "a", "weight": 2}]})
    assert recipe_from_dict(config.to_dict(recipe), "manifest.json") == recipe


@pytest.mark.parametrize(
    ("key", "given", "held"),
    [
        ("skew", 3, (3, 3)),
        ("skew", [0, 3], (0, 3)),
        ("blur", 1, (1.0, 1.0)),
        ("blur", [0.5, 2], (0.5, 2.0)),
        ("background", "plain_white", (("plain_white", 1.0),)),
        ("background", ["plain_white", "quasicrystal"], (("plain_white", 1.0), ("quasicrystal", 1.0))),
        ("background", {"plain_white": 1, "gaussian_noise": 0.5}, (("plain_white", 1.0), ("gaussian_noise", 0.5))),
        ("fonts", "a", (FontSet(source="a"),)),
        ("text_color", "#000000,#ffffff", (("#000000,#ffffff", 1.0),)),
        ("margins", [1, 2, [3, 4], 5], ((1, 1), (2, 2), (3, 4), (5, 5))),
        ("fonts", ["a", {"source": "b", "weight": 2}], (FontSet(source="a"), FontSet(source="b", weight=2.0))),
    ],
)  # fmt: skip
def test_ranges_and_weighted_choices_have_short_forms(key, given, held):
    assert getattr(build(render={key: given}).render, key) == held


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"rendr": {}}, "the top level has no key 'rendr'; did you mean 'render'?"),
        ({"render": {"blurr": 1}}, "[render] has no key 'blurr'; did you mean 'blur'?"),
        ({"render": {"font": ["x"]}}, "[render] has no key 'font'; did you mean 'fonts'?"),
        ({"text": {"chraset": "1"}}, "[text] has no key 'chraset'; did you mean 'charset'?"),
        ({"text": {"min_length": 1}}, "[text] has no key 'min_length'; it knows source, charset, patterns"),
        ({"splits": {"trian": 5}}, "[splits] has no key 'trian'; did you mean 'train'?"),
        ({"output": {"shard_sample": 5}}, "[output] has no key 'shard_sample'; did you mean 'shard_samples'?"),
        ({"text": {"patterns": [{"name": "a", "regexp": "1"}]}}, "[text.patterns.0] has no key 'regexp'; did you mean 'regex'?"),
        ({"text": {"source": "numerical"}}, "[text] source must be one of 'numeric', 'wikipedia', 'words', 'file', 'mix', not 'numerical'"),
        ({"text": 5}, "text must be a table, not 5"),
        ({"name": "../x"}, "name must be a folder name of letters, digits, '.', '_' and '-', not \"../x\""),
        ({"seed": -1}, "seed must be greater than or equal to 0, not -1"),
        ({"seed": 1.5}, "seed must be a valid integer, not 1.5"),
        ({"splits": {"train": 0}}, "[splits] train must be greater than or equal to 1, not 0"),
        ({"splits": {"val": -1}}, "[splits] val must be greater than or equal to 0, not -1"),
        ({"splits": {"train": "80"}}, '[splits] train must be a valid integer, not "80"'),
        ({"splits": {"train": 8.5}}, "[splits] train must be a valid integer, not 8.5"),
        ({"render": {"height": 0}}, "[render] height must be greater than or equal to 8, not 0"),
        ({"render": {"height": "32"}}, '[render] height must be a valid integer, not "32"'),
        ({"render": {"channels": 4}}, "[render] channels must be 1 or 3, not 4"),
        ({"render": {"random_skew": 1}}, "[render] random_skew must be a valid boolean, not 1"),
        ({"render": {"fonts": []}}, "[render] fonts must have at least 1 item, not []"),
        ({"render": {"fonts": 5}}, "[render] fonts must be a name, or a list of names and tables { source, weight }, not 5"),
        ({"render": {"fonts": [5]}}, "[render] fonts must be a table, not 5"),
        ({"render": {"skew": [3, 1]}}, "[render] skew must have its low end first, not [3, 1]"),
        ({"render": {"skew": [0, 46]}}, "[render] skew must lie between 0 and 45, not [0, 46]"),
        ({"render": {"skew": 1.5}}, "[render] skew must be a valid integer, not 1.5"),
        ({"render": {"skew": [0, 1, 2]}}, "[render] skew must be a number, or a range [low, high], not [0, 1, 2]"),
        ({"render": {"blur": "1"}}, '[render] blur must be a number, or a range [low, high], not "1"'),
        ({"render": {"blur": float("nan")}}, "[render] blur must be a number, or a range [low, high], not NaN"),
        ({"render": {"blur": True}}, "[render] blur must be a number, or a range [low, high], not true"),
        ({"render": {"background": "plain"}}, "[render] background must be among gaussian_noise, plain_white, quasicrystal, image, not \"plain\""),
        ({"render": {"background": []}}, "[render] background must be a name, a list of names, or a table"),
        ({"render": {"background": {"plain_white": 0}}}, "[render] background must be a name, a list of names, or a table"),
        ({"render": {"background": {"plain_white": float("inf")}}}, "[render] background must be a name"),
        ({"render": {"background": {"plain_white": float("nan")}}}, "[render] background must be a name"),
        ({"render": {"background": [[["plain_white"], 1]]}}, "[render] background must be a name, a list of names"),
        ({"render": {"background": "image"}}, "[render] background 'image' needs background_images: a folder, or 'trdg'"),
        ({"render": {"text_color": "black"}}, '[render] text_color must be "#RRGGBB", or "#RRGGBB,#RRGGBB" for a range, not "black"'),
        ({"render": {"margins": [1, 2, 3]}}, "[render] margins must have more than 3 items, not [1, 2, 3]"),
        ({"render": {"margins": [20, 0, 12, 0]}}, "[render] margins of 20 and 12 px leave nothing of height 32"),
        ({"render": {"fit": 1.5}}, "[render] fit must be less than or equal to 1, not 1.5"),
        ({"output": {"formats": ["tfrecords"]}}, "[output] formats must be 'tfrecord' or 'hdf5', not \"tfrecords\""),
        ({"output": {"formats": []}}, "[output] formats must have at least 1 item, not []"),
        ({"output": {"encoding": "jpeg"}}, "[output] encoding must be 'raw' or 'png', not \"jpeg\""),
        ({"output": {"shard_samples": 0}}, "[output] shard_samples must be greater than or equal to 1, not 0"),
        ({"text": {"patterns": []}}, "[text] patterns must have at least 1 item, not []"),
        ({"text": {"patterns": [{"name": "a", "regex": "["}]}}, "[text.patterns.0] regex must be a regular expression (unterminated character set at position 0), not \"[\""),
        ({"text": {"patterns": [{"name": "a", "regex": "1", "weight": 0}]}}, "[text.patterns.0] weight must be greater than 0, not 0"),
        ({"text": {"charset": "0120"}}, "[text] charset: a charset names each character once; repeated: '0'"),
        ({"text": {"charset": ""}}, "[text] charset: a charset needs at least one character"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_names_key_expectation_and_what_was_given(tables, message):
    assert message_of(**tables).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"min_length": 9, "max_length": 8}, "[text] min_length 9 exceeds max_length 8"),
        ({"language": "ar"}, "[text] language must be a language written from left to right"),
        ({"charset": "אבג"}, "[text] charset: right-to-left scripts are not supported yet"),
        ({"mixed_share": 2}, "[text] mixed_share must be less than or equal to 1, not 2"),
    ],
)
def test_sentence_recipes_are_checked_too(text, message):
    data = tomllib.loads(TINY) | {"text": {"source": "wikipedia", **text}}
    with pytest.raises(UserError) as caught:
        config.build(Recipe, data, {}, "tiny.toml")
    assert str(caught.value).startswith(f"tiny.toml: {message}")


def test_the_fingerprint_is_a_sha256_of_recipe_and_inputs():
    inputs = {"font:a": "1"}
    assert fingerprint(build(), inputs) == fingerprint(build(), dict(inputs))
    assert len(bytes.fromhex(fingerprint(build(), inputs))) == 32


@pytest.mark.parametrize(
    "tables",
    [
        {"splits": {"train": 81}},
        {"splits": {"val": 0, "test": 0}},
        {"output": {"formats": ["hdf5"]}},
        {"output": {"formats": ["hdf5", "tfrecord"]}},
    ],
)
def test_sizes_and_formats_leave_the_fingerprint_alone(tables):
    assert fingerprint(build(**tables), {}) == fingerprint(build(), {})


@pytest.mark.parametrize(
    "tables",
    [
        {"name": "other"},
        {"seed": 8},
        {"output": {"encoding": "png"}},
        {"output": {"shard_samples": 24}},
        {"render": {"blur": 0}},
        {"render": {"background": {"gaussian_noise": 2, "plain_white": 1}}},
        {"text": {"charset": "0123456789.,-/"}},
        {"text": {"patterns": [{"name": "integer", "regex": "[0-9]{1,9}"}]}},
    ],
)
def test_whatever_shapes_the_bytes_changes_the_fingerprint(tables):
    assert fingerprint(build(**tables), {}) != fingerprint(build(), {})


def test_the_inputs_change_the_fingerprint():
    assert len({fingerprint(build(), inputs) for inputs in ({}, {"a": "1"}, {"a": "2"}, {"b": "1"})}) == 4


def test_a_recipe_cannot_be_changed_after_it_was_checked():
    with pytest.raises(AttributeError):
        build().render.height = 9
    assert Render().height == 32
