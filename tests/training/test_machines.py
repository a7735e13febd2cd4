"""`TF_CONFIG` is read before TensorFlow starts; what is wrong in it is said in a line."""

import json

import pytest

from ocrlib.errors import UserError
from ocrlib.training.machines import Machines, read_machines


def tf_config(index: object, role: str = "worker", workers: object = ("a:1", "b:2")) -> str:
    return json.dumps({"cluster": {role: workers}, "task": {"type": role, "index": index}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, Machines(count=1, index=0)),
        ("", Machines(count=1, index=0)),
        (tf_config(0), Machines(count=2, index=0)),
        (tf_config(1), Machines(count=2, index=1)),
        (tf_config(0, workers=["a:1"]), Machines(count=1, index=0)),
    ],
)
def test_the_workers_and_the_own_number_are_read(
    text: str | None, expected: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    assert read_machines() == expected
    assert expected.is_chief == (expected.index == 0)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "7", tf_config(2), tf_config(-1), tf_config("0"), tf_config(0, "chief"), tf_config(0, workers=[1])],
)
def test_another_form_is_refused_in_a_line(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match=r"^TF_CONFIG: expected such as .*, not this") as raised:
        read_machines()
    assert "\n" not in str(raised.value)
