"""Renderer: a sample is a function of its number, an unreadable one is drawn again, and both are recorded."""

from collections import Counter

import numpy as np
import pytest

from ocrlib import config
from ocrlib.ctc import ctc_steps
from ocrlib.dataset.sample import PROVENANCE
from ocrlib.dataset.verify import same_sample
from ocrlib.errors import UserError
from ocrlib.factory.render import renderer as renderer_module
from ocrlib.factory.render.fonts import load_faces
from ocrlib.factory.render.marks import contrast
from ocrlib.factory.render.renderer import Renderer, background_folder, render_inputs
from ocrlib.factory.settings.render import FontSet, Render
from ocrlib.factory.settings.text import NumericText, Pattern
from ocrlib.factory.text.numeric import NumericStrings
from tests.factory.render.samples import package_folder, trdg_pictures

DEJAVU = package_folder("matplotlib") / "mpl-data" / "fonts" / "ttf"
SANS, SERIF = str(DEJAVU / "DejaVuSans.ttf"), str(DEJAVU / "DejaVuSerif.ttf")
WALKWAY = str(package_folder("trdg") / "fonts" / "latin" / "Walkway_Bold.ttf")  # has no euro sign
VARIED = {
    "fonts": [SANS, SERIF],
    "background": {"gaussian_noise": 1, "plain_white": 1},
    "text_color": "#000000,#909090",
    "skew": [0, 3],
    "random_skew": True,
    "blur": [0.0, 1.5],
    "fit": 0.5,
    "margins": [[1, 5], 4, [1, 5], [0, 9]],
}


def make_renderer(regex="[0-9]{1,12}", charset="0123456789€", seed=1, **render) -> Renderer:
    settings = config.build(Render, {"fonts": [SANS], **render}, {}, "test")
    pattern = Pattern(name="only", regex=regex)
    texts = NumericStrings(NumericText(source="numeric", charset=charset, patterns=(pattern,)), seed)
    faces, _ = load_faces(settings.fonts, charset, settings.font_coverage)
    return Renderer(settings, seed, faces, texts)


def draw(renderer: Renderer, count: int, split: str = "train"):
    """`count` samples, and the counts of what was rejected for them."""
    drawn = [renderer.render(split, i) for i in range(count)]
    return [sample for sample, _ in drawn], sum((rejected for _, rejected in drawn), Counter())


def test_the_same_arguments_give_the_same_sample_in_any_order():
    places = [(split, i) for split in ("train", "val") for i in range(25)]
    here, there = make_renderer(**VARIED), make_renderer(**VARIED)
    forwards = [here.render(*place) for place in places]
    backwards = [there.render(*place) for place in reversed(places)][::-1]
    for (left, left_rejects), (right, right_rejects) in zip(forwards, backwards, strict=True):
        assert same_sample(left, right) and left_rejects == right_rejects


def test_another_seed_split_or_index_is_another_sample():
    base = make_renderer(**VARIED).render("train", 0)[0]
    others = [
        make_renderer(**VARIED, seed=2).render("train", 0)[0],
        make_renderer(**VARIED).render("val", 0)[0],
        make_renderer(**VARIED).render("train", 1)[0],
    ]
    assert len({sample.provenance["seed"] for sample in [base, *others]}) == 4
    assert not any(np.array_equal(base.image, other.image) for other in others)


def test_a_sample_is_named_by_its_place():
    assert make_renderer().render("val", 12)[0].id == "val-000000012"


@pytest.mark.parametrize(("height", "channels", "shape"), [(32, 1, (32,)), (20, 3, (20, 3)), (64, 1, (64,))])
def test_images_are_uint8_of_the_recipes_height_and_channels(height, channels, shape):
    samples, _ = draw(make_renderer(height=height, channels=channels, margins=[2, 2, 2, 2]), 5)
    for sample in samples:
        assert sample.image.dtype == np.uint8
        assert (sample.image.shape[0], *sample.image.shape[2:]) == shape


def test_the_provenance_is_complete_and_within_what_the_recipe_allows():
    samples, _ = draw(make_renderer(**VARIED), 60)
    for sample in samples:
        kinds = {name: type(value) for name, value in sample.provenance.items()}
        assert kinds == PROVENANCE
    values = {name: {sample.provenance[name] for sample in samples} for name in PROVENANCE}
    assert values["font"] == {"DejaVuSans.ttf", "DejaVuSerif.ttf"}
    assert values["background"] == {"gaussian_noise", "plain_white"}
    assert values["skew_deg"] <= set(range(-3, 4)) and len(values["skew_deg"]) > 4
    assert 0 <= min(values["blur_px"]) < 0.3 and 1.2 < max(values["blur_px"]) <= 1.5
    assert values["source"] == {"numeric:only"}
    assert len(values["seed"]) == 60


def test_a_photograph_behind_the_line_is_named():
    samples, _ = draw(make_renderer(background="image", background_images="trdg", min_contrast=1), 12)
    pictures = {path.name for path in background_folder(Render(background_images="trdg")).iterdir()}
    named = {sample.provenance["background"] for sample in samples}
    assert named <= {f"image:{name}" for name in pictures} and len(named) > 1


def test_faces_and_backgrounds_are_drawn_by_weight():
    fonts = [{"source": SANS, "weight": 3}, {"source": SERIF, "weight": 1}]
    samples, _ = draw(make_renderer(fonts=fonts, background={"gaussian_noise": 1, "plain_white": 4}), 300)
    assert 0.68 < sum(sample.provenance["font"] == "DejaVuSans.ttf" for sample in samples) / 300 < 0.82
    assert 0.73 < sum(sample.provenance["background"] == "plain_white" for sample in samples) / 300 < 0.87


def test_white_on_white_is_counted_and_drawn_again():
    samples, rejected = draw(make_renderer(text_color=["#FFFFFF", "#000000"]), 40)
    assert set(rejected) == {"low-contrast"}
    assert 15 < rejected["low-contrast"] < 80  # about one for each sample that is kept
    assert sum(sample.provenance["attempt"] for sample in samples) == rejected["low-contrast"]
    assert min(contrast(sample.image) for sample in samples) >= 40


def test_a_missing_glyph_is_counted_and_drawn_again():
    renderer = make_renderer(regex="[0-9€]", fonts=[SANS, WALKWAY], font_coverage=0.5)
    samples, rejected = draw(renderer, 120)
    assert set(rejected) == {"glyph-missing"} and rejected["glyph-missing"] > 2
    with_euro = {sample.provenance["font"] for sample in samples if "€" in sample.text}
    assert with_euro == {"DejaVuSans.ttf"}
    assert {sample.provenance["font"] for sample in samples} == {"DejaVuSans.ttf", "Walkway_Bold.ttf"}


def test_a_line_too_narrow_for_its_label_is_counted_and_drawn_again():
    samples, rejected = draw(make_renderer(px_per_step=16), 40)
    assert set(rejected) == {"too-narrow"} and rejected["too-narrow"] > 5
    for sample in samples:
        assert sample.image.shape[1] >= 16 * ctc_steps(sample.text)


@pytest.mark.parametrize(
    ("render", "reason"),
    [({"text_color": "#FFFFFF"}, "low-contrast 30"), ({"px_per_step": 32}, "too-narrow 30"), ({"width": 4}, " 30")],
)
def test_an_impossible_recipe_stops_with_one_line(monkeypatch, render, reason):
    monkeypatch.setattr(renderer_module, "MAX_ATTEMPTS", 30)
    with pytest.raises(UserError) as caught:
        make_renderer(regex="[0-9]{6}", **render).render("train", 7)
    message = str(caught.value)
    assert message.startswith("[render] sample train-000000007 could not be drawn in 30 attempts (")
    assert f"{reason})" in message and "\n" not in message


def paper_with(ink, share, paper=200, shape=(10, 100)):
    image = np.full(shape, paper, np.uint8)
    image.reshape(-1)[: round(share * image.size)] = ink
    return image


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.full((32, 100), 255, np.uint8), 0.0),
        (paper_with(ink=50, share=0.1), 150.0),  # dark on light
        (paper_with(ink=250, share=0.1, paper=20), 230.0),  # light on dark
        (paper_with(ink=0, share=0.02), 200.0),  # just enough ink
        (paper_with(ink=0, share=0.019), 0.0),  # a single dot is not text
        (np.stack([paper_with(ink=50, share=0.1)] * 3, axis=2), 150.0),
        (np.stack([paper_with(ink=50, share=0.1)] + [np.full((10, 100), 200, np.uint8)] * 2, axis=2), 50.0),
        (np.array([[7]], np.uint8), 0.0),
    ],
)
def test_contrast_is_the_difference_between_ink_and_paper(image, expected):
    assert contrast(image) == pytest.approx(expected)


def test_pictures_come_from_a_folder_that_has_some(tmp_path):
    assert str(background_folder(Render(background_images="trdg"))) == trdg_pictures()
    for bad in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError) as caught:
            background_folder(Render(background_images=str(bad)))
        assert str(caught.value) == (f"[render] background_images '{bad}': expected a folder of pictures, or 'trdg'")


def test_the_inputs_of_the_fingerprint_name_fonts_pictures_and_libraries(tmp_path):
    (tmp_path / "paper.png").write_bytes(b"one")
    faces, _ = load_faces([FontSet(source=SANS)], "0123456789", 1.0)
    before = render_inputs(Render(background_images=str(tmp_path)), faces)
    assert {"trdg", "pillow", "opencv-python", "render", "background:paper.png"} < set(before)
    assert [key for key in before if key.startswith("font:DejaVuSans.ttf:")]
    (tmp_path / "paper.png").write_bytes(b"two")
    after = render_inputs(Render(background_images=str(tmp_path)), faces)
    assert {key for key in before if before[key] != after[key]} == {"background:paper.png"}


def test_lines_that_a_fixed_width_would_cut_are_counted_and_drawn_again():
    samples, rejected = draw(make_renderer("[0-9]{1,12}", width=100), 40)
    assert rejected["too-wide"] > 0
    assert all(sample.image.shape[1] == 100 for sample in samples)
    assert max(len(sample.text) for sample in samples) < 9


def test_each_look_has_its_share_of_the_lines_its_faces_and_its_own_tables():
    looks = {
        "plain": {"weight": 3, "fonts": ["DejaVuSans.ttf"]},
        "fax": {"weight": 1, "fonts": ["DejaVuSerif*"], "degrade": {"fax": {"share": 1.0}}},
    }
    samples, _ = draw(make_renderer(fonts=[SANS, SERIF], looks=looks), 400)
    seen = Counter((sample.provenance["font"], sample.provenance["degradation"][:3]) for sample in samples)
    assert set(seen) == {("DejaVuSans.ttf", ""), ("DejaVuSerif.ttf", "fax")}
    assert 70 < seen["DejaVuSerif.ttf", "fax"] < 130


def test_a_recipe_of_one_look_draws_what_it_draws_without_looks():
    tables = {"degrade": {"jpeg": {"share": 0.5}}}
    with_look, without = (
        draw(make_renderer(**VARIED, **keys), 20)[0] for keys in ({"looks": {"only": tables}}, tables)
    )
    assert all(same_sample(left, right) for left, right in zip(with_look, without, strict=True))


@pytest.mark.parametrize(
    ("render", "message"),
    [
        ({"looks": {"fax": {"fonts": ["Courier*"]}}}, r"\[render.looks.fax\] fonts: no usable face .* like Courier\*"),
        ({"looks": {"fax": {}}, "degrade": {"fax": {"share": 1.0}}}, "looks have typeset and degrade of their own"),
        ({"looks": {"fax": {"degrad": {}}}}, "has no key 'degrad'; did you mean 'degrade'"),
    ],
)
def test_a_look_that_cannot_be_drawn_is_named(render, message):
    with pytest.raises(UserError, match=message):
        make_renderer(**render)
