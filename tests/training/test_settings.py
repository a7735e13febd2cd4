"""The settings of a training: what two keys mean together."""

import pytest

from ocrlib.training.settings import ModelConfig


@pytest.mark.parametrize(
    ("settings", "encoder"),
    [
        ({}, "conv"),
        ({"use_lstm": True}, "lstm"),
        ({"use_lstm": False}, "conv"),
        ({"encoder": "wide"}, "wide"),
        ({"encoder": "lstm"}, "lstm"),
        ({"use_lstm": True, "encoder": "lstm"}, "lstm"),
        ({"use_lstm": False, "encoder": "dilated"}, "dilated"),
    ],
)
def test_use_lstm_is_another_name_for_an_encoder(settings, encoder):
    assert ModelConfig(**settings).chosen_encoder == encoder
