"""CTC, compared with all paths written out and counted."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ocrlib.backend import keras, tf
from ocrlib.charset import Charset
from ocrlib.network.layers import CharacterProbabilities
from ocrlib.reading.decoding.paths import best_paths, certainties, text_probability
from ocrlib.training.ctc_model import CTCModel

BLANK = 10  # of the digits


def one_hot(paths: list[list[int]], num_classes: int) -> np.ndarray:
    """(B, T, C) probabilities of 0 and 1."""
    return np.eye(num_classes, dtype=np.float32)[np.array(paths)]


class Fixed(keras.Model):
    """A network with the same probabilities for every input."""

    def __init__(self, probs: np.ndarray) -> None:
        super().__init__()
        self.probs = probs

    def get_layer(self, name: str) -> CharacterProbabilities:
        return CharacterProbabilities(self.probs.shape[2], charset=None, stride=4)

    def call(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        return tf.constant(self.probs)


def greedy_decode(probs: np.ndarray, input_length: np.ndarray) -> tuple[list[list[int]], np.ndarray]:
    """The text of each sample's best path, and its probability."""
    classes = best_paths(probs, input_length).classes
    return classes, text_probability(probs, input_length, classes)


def collapse(path: tuple[int, ...], blank: int) -> list[int]:
    """The two rules of CTC: merge repeats, then remove blanks."""
    return [step for step, _ in itertools.groupby(path) if step != blank]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("0-8-7-0-0-1-1", "0870011"),  # doubled digits with a blank between them
        ("00887--70-0011-1", "08770011"),
        ("00887700011", "08701"),  # the same digits without blanks are one each
        ("-----------", ""),
        ("1111", "1"),
        ("1-11", "11"),
        ("-1--1-", "11"),
        ("12-21", "1221"),
        ("7", "7"),
    ],
)
def test_repeats_collapse_before_blanks_are_dropped(path: str, text: str) -> None:
    probs = one_hot([[BLANK if step == "-" else int(step) for step in path]], 11)
    decoded, confidence = greedy_decode(probs, np.array([len(path)]))
    assert decoded == [[int(digit) for digit in text]]
    assert confidence.tolist() == [1.0]


def test_steps_of_the_padding_are_not_read() -> None:
    probs = one_hot([[1, BLANK, 2, 3, 3], [1, BLANK, 2, 3, 3], [1, BLANK, 2, 3, 3]], 11)
    probs[0, 3:] = 0.5  # nor may uncertain padding lower the confidence
    decoded, confidence = greedy_decode(probs, np.array([3, 5, 0]))
    assert decoded == [[1, 2], [1, 2, 3], []]
    assert confidence.tolist() == [1.0, 1.0, 1.0]


def test_confidence_is_the_sum_over_all_paths_of_the_text() -> None:
    probs = np.array([[[0.7, 0.3], [0.4, 0.6], [0.9, 0.1]]], np.float32)
    decoded, confidence = greedy_decode(probs, np.array([3]))
    assert decoded == [[0, 0]]
    assert confidence[0] == pytest.approx(0.7 * 0.6 * 0.9)  # a doubled character has only one path in three steps
    decoded, confidence = greedy_decode(probs, np.array([2]))
    assert decoded == [[0]]
    assert confidence[0] == pytest.approx(0.7 * 0.6 + 0.3 * 0.4 + 0.7 * 0.4)


def test_an_input_length_beyond_the_time_steps_is_an_error() -> None:
    with pytest.raises(ValueError, match="input_length 4 exceeds the 3 time steps"):
        greedy_decode(np.full((2, 3, 2), 0.5, np.float32), np.array([3, 4]))


def test_no_samples_decode_to_nothing() -> None:
    decoded, confidence = greedy_decode(np.zeros((0, 5, 3), np.float32), np.zeros(0, np.int32))
    assert decoded == []
    assert confidence.shape == (0,)


def test_the_confidence_of_a_character_is_the_highest_of_its_time_steps() -> None:
    probs = np.array(
        [
            [[0.7, 0.2, 0.1], [0.9, 0.0, 0.1], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1], [0.1, 0.5, 0.4]],
            [[0.2, 0.6, 0.2], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1], [0.9, 0.1, 0.0], [0.9, 0.1, 0.0]],
            [[0.1, 0.1, 0.8], [0.1, 0.1, 0.8], [0.1, 0.1, 0.8], [0.1, 0.1, 0.8], [0.1, 0.1, 0.8]],
        ],
        np.float32,
    )
    best = best_paths(probs, np.array([5, 3, 5]))
    assert best.classes == [[0, 0, 1], [1], []]  # the second line's run ends with its input length
    assert best.characters == [pytest.approx([0.9, 0.6, 0.5]), pytest.approx([0.8]), []]


def test_a_run_ends_with_its_sample() -> None:
    best = best_paths(one_hot([[1, 1, 1], [1, 1, 1]], 3), np.array([3, 3]))
    assert best.classes == [[1], [1]]
    assert best.characters == [[1.0], [1.0]]


def test_the_probability_of_a_text_is_the_sum_over_its_paths_also_beside_longer_texts() -> None:
    rng = np.random.RandomState(0)
    probs = rng.dirichlet(np.ones(3), (4, 5)).astype(np.float32)  # classes 0 and 1, and the blank
    texts, lengths = [[], [0], [0, 0], [1, 0, 1]], np.array([5, 3, 4, 5])
    expected = []
    for row, text, length in zip(probs, texts, lengths, strict=True):
        paths = [path for path in itertools.product(range(3), repeat=length) if collapse(path, 2) == text]
        expected.append(sum(math.prod(float(row[t, step]) for t, step in enumerate(path)) for path in paths))
    np.testing.assert_allclose(text_probability(probs, lengths, texts), expected, rtol=1e-6)
    assert text_probability(probs[:1], np.array([2]), [[0, 0]]).tolist() == [0.0]  # needs three steps
    sure = one_hot([[2] * 1100] * 2, 3)  # beside a long text, a short one uses only its own states
    assert text_probability(sure, np.array([1100, 1100]), [[], [0, 1] * 175]).tolist() == [1.0, 0.0]
    long = np.full((1, 4000, 3), 1 / 3, np.float32)  # the product passes below the smallest float on the way
    assert text_probability(long, np.array([4000]), [[0, 1] * 300]).tolist() == [0.0]


# Distinct numbers, so that no two classes tie and the best path is one.
distinct_scores = st.tuples(st.integers(1, 4), st.integers(2, 4)).flatmap(
    lambda shape: hnp.arrays(np.int32, shape, elements=st.integers(1, 10**6), unique=True)
)


@settings(max_examples=60, deadline=None)
@given(scores=distinct_scores, data=st.data())
def test_the_best_path_is_the_collapse_of_the_most_probable_of_all_paths(
    scores: np.ndarray, data: st.DataObject
) -> None:
    probs = scores / scores.sum(axis=1, keepdims=True)
    num_steps, num_classes = probs.shape
    length = data.draw(st.integers(0, num_steps))
    paths = itertools.product(range(num_classes), repeat=length)
    chances = {path: math.prod(probs[t, step] for t, step in enumerate(path)) for path in paths}
    best = max(chances, key=lambda path: chances[path])
    decoded, confidence = greedy_decode(probs[None].astype(np.float32), np.array([length]))
    text = collapse(best, num_classes - 1)
    assert decoded == [text]
    whole = sum(chance for path, chance in chances.items() if collapse(path, num_classes - 1) == text)
    assert confidence[0] == pytest.approx(whole, rel=1e-4)


def highest_of_runs(probs: np.ndarray, path: tuple[int, ...]) -> list[float]:
    """What each character of a path has at the most certain of its time steps."""
    blank, highest = probs.shape[1] - 1, []
    for each, run in itertools.groupby(enumerate(path), key=lambda item: item[1]):
        steps = [step for step, _ in run]
        if each != blank:
            highest.append(float(probs[steps, each].max()))
    return highest


@settings(max_examples=60, deadline=None)
@given(scores=distinct_scores, data=st.data())
def test_the_certainties_of_a_text_are_those_of_the_most_probable_of_its_paths(
    scores: np.ndarray, data: st.DataObject
) -> None:
    probs = scores / scores.sum(axis=1, keepdims=True)
    num_steps, num_classes = probs.shape
    paths = list(itertools.product(range(num_classes), repeat=num_steps))
    text = collapse(data.draw(st.sampled_from(paths)), num_classes - 1)
    chances = {
        path: math.prod(probs[t, step] for t, step in enumerate(path))
        for path in paths
        if collapse(path, num_classes - 1) == text
    }
    best = [path for path, chance in chances.items() if chance >= max(chances.values()) * (1 - 1e-9)]
    assert any(
        certainties(probs, text) == pytest.approx(highest_of_runs(probs, path)) for path in best
    )  # of two equal ones either


@settings(max_examples=60, deadline=None)
@given(scores=distinct_scores)
def test_the_certainties_of_the_best_path_are_its_own(scores: np.ndarray) -> None:
    probs = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    best = best_paths(probs[None], np.array([len(probs)]))
    assert certainties(probs, best.classes[0]) == pytest.approx(best.characters[0])


@pytest.mark.parametrize("text", [[], [0], [1, 1], [1, 0, 1]])
def test_certainties_are_one_a_character_also_where_steps_are_impossible(text: list[int]) -> None:
    probs = one_hot([[1, 1, 2, 1, 1]], 3)[0]  # "11" for sure
    found = certainties(probs, text)
    assert len(found) == len(text)
    assert found == [1.0, 1.0] or text != [1, 1]
    assert all(0 <= each <= 1 for each in found)


@pytest.mark.parametrize(
    ("label", "num_steps"),
    [([0], 1), ([0], 4), ([0, 1], 2), ([0, 0], 3), ([0, 0], 5), ([1, 0, 1], 4), ([0, 0, 1], 5), ([1, 1, 1], 5)],
)
def test_the_loss_sums_over_all_alignments(label: list[int], num_steps: int) -> None:
    num_classes, blank, padded_steps = 3, 2, num_steps + 3
    probs = np.random.RandomState(num_steps).dirichlet(np.ones(num_classes), (1, padded_steps)).astype(np.float32)
    alignments = [
        path for path in itertools.product(range(num_classes), repeat=num_steps) if collapse(path, blank) == label
    ]
    total = sum(math.prod(float(probs[0, t, step]) for t, step in enumerate(path)) for path in alignments)
    batch = {
        "image": np.zeros((1, 8, 4 * padded_steps, 1), np.uint8),
        "width": np.array([4 * num_steps - 1], np.int32),  # the steps after it must not count
        "label": np.array([[*label, -1, -1]], np.int32),  # as the loader pads it
        "label_length": np.array([len(label)], np.int32),
        "id": np.array(["train-000000000"], object),
    }
    model = CTCModel(Fixed(probs), Charset("01"))
    losses, _, input_length = model._ctc_losses(tf.nest.map_structure(tf.constant, batch), training=False)
    assert input_length.numpy().tolist() == [num_steps]
    assert float(losses[0]) == pytest.approx(-math.log(total), abs=1e-4)
