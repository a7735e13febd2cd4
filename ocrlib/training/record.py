"""What `config.json` tells of a run: its data, its start, the network that was built, the plan, and the machine."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ocrlib
from ocrlib.backend import keras, tf
from ocrlib.dataset.manifest import Manifest
from ocrlib.dataset.mirror import place_of
from ocrlib.network.crnn import LINE_FILTERS, width_stride
from ocrlib.training.machines import num_cores

_PACKAGES = ("tensorflow", "keras", "numpy")


def dataset_entry(folder: Path, manifest: Manifest, weight: float | None) -> dict[str, Any]:
    """Returns which dataset it is: where it was, its fingerprint, its weight, and how many lines to learn from."""
    split = manifest.splits.get("train")
    lines = split.samples if split else 0
    return {"folder": place_of(folder), "fingerprint": manifest.fingerprint, "weight": weight, "lines": lines}


def describe_network(network: keras.Model) -> dict[str, Any]:
    """Returns the network that was built, in the words of `--model.*`, and its size; filters only of one of ours."""
    lines = [layer.filters for layer in network.layers if layer.name == "line" and hasattr(layer, "filters")]
    return {
        "encoder": network.name.removeprefix("crnn_"),
        "stride": width_stride(network),
        "filters": round(lines[0] / LINE_FILTERS, 3) if lines else None,
        "parameters": network.count_params(),
        "charset": network.get_layer("characters").charset,
    }


def describe_machine() -> dict[str, Any]:
    """Returns the processor, its cores, the accelerators and the system, as far as they tell."""
    return {
        "processor": _processor(),
        "cores": num_cores(),
        "gpus": [device.name for device in tf.config.list_physical_devices("GPU")],
        "system": platform.platform(),
    }


def versions() -> dict[str, str]:
    """Returns the versions that decide what a training comes to."""
    found = {"python": platform.python_version(), "ocrlib": ocrlib.__version__}
    return found | {package: version(package) for package in _PACKAGES}


def with_seen(entries: Sequence[dict[str, Any]], seen: Sequence[int]) -> list[dict[str, Any]]:
    """Returns the entries of datasets with the lines that were learned from them; a line counts each time."""
    return [entry | {"seen": number} for entry, number in zip(entries, seen, strict=True)]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
