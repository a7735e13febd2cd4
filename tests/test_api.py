"""ocrlib as a library: what the commands do, and a dataset in three lines of code for users with their own network."""

import json

import numpy as np
import pytest

import ocrlib
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import read_manifest
from ocrlib.dataset.sample import PROVENANCE
from ocrlib.dataset.shards import read_samples
from ocrlib.errors import UserError
from tests.programs import run_code
from tests.training_fixtures import flip_byte


def test_a_recipe_becomes_a_dataset_a_reader_and_figures(tiny_recipe, tmp_path):
    dataset = ocrlib.make_dataset(
        tiny_recipe, tmp_path / "lines", settings={"splits.train": 40, "name": "7"}, workers=1
    )
    assert dataset == tmp_path / "lines"
    manifest = read_manifest(dataset)
    assert (manifest.name, manifest.splits["train"].samples) == ("7", 40)
    assert (dataset / "preview.png").exists()
    run = tmp_path / "run"
    settings = {"train.epochs": 1, "model.filters": 0.5, "model.encoder": "conv"}
    metrics = ocrlib.train({str(dataset): 1.0}, run, settings=settings)
    assert metrics == json.loads((run / "metrics.json").read_text())
    figures = ocrlib.evaluate(run, dataset)
    assert figures["lines"] == 20
    assert figures["cer"] == metrics["datasets"][str(dataset)]["cer"]
    assert ocrlib.evaluate(ocrlib.Reader("numeric"), dataset, split="val")["lines"] == 20


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda folder: ocrlib.make_dataset(folder / "none.toml"), "no such file"),
        (lambda folder: ocrlib.train(folder / "none", folder / "run"), "no such folder"),
        (
            lambda folder: ocrlib.train(folder, folder / "run", settings={"train.epoch": 1}),
            "no key 'epoch'; did you mean 'epochs'",
        ),
        (lambda folder: ocrlib.evaluate("numeric", folder / "none"), "no such folder"),
        (lambda folder: ocrlib.evaluate("none", folder), "no such run folder"),
        (lambda folder: ocrlib.evaluate("numeric", folder.parent, split="val"), "has no splits"),
        (lambda folder: ocrlib.evaluate("numeric", "s3://"), "expected an address such as s3://bucket/numeric"),
        (lambda folder: ocrlib.train("s3://", folder / "run"), "expected an address such as s3://bucket/numeric"),
        (lambda folder: ocrlib.load("s3://\n", "train"), "expected an address such as s3://bucket/numeric"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_line(tiny_copy, call, message):
    with pytest.raises(UserError, match=message):
        call(tiny_copy)


def test_what_is_public_is_listed_and_typed():
    import ast
    from pathlib import Path

    stub = ast.parse(Path(ocrlib.__file__).with_suffix(".pyi").read_text())
    typed = {alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed | {"__version__"} == set(ocrlib.__all__)
    for name in ocrlib.__all__:
        assert getattr(ocrlib, name) is not None
        assert name in dir(ocrlib)


def test_load_gives_every_line_of_a_split_in_padded_batches(tiny_dataset):
    charset = Charset(read_manifest(tiny_dataset).charset)
    texts = {}
    for batch in ocrlib.load(tiny_dataset, "train", batch_size=16):
        assert set(batch) == {"image", "width", "label", "label_length", "id"}
        assert batch["image"].shape[1] == 32
        for name, label, length in zip(batch["id"], batch["label"], batch["label_length"], strict=True):
            texts[name.numpy().decode()] = charset.decode(label[:length].numpy().tolist())
    assert len(texts) == 80
    columns = ocrlib.read_hdf5(tiny_dataset, "train")
    assert texts == dict(zip(columns["id"], columns["text"], strict=True))


def test_read_hdf5_gives_what_the_shards_hold(tiny_dataset):
    columns = ocrlib.read_hdf5(str(tiny_dataset), "train")
    assert set(columns) == {"id", "text", "width", "pixels", "offsets", *PROVENANCE}
    manifest = read_manifest(tiny_dataset)
    shards = manifest.splits["train"].shards
    samples = [sample for shard in shards for sample in read_samples(tiny_dataset, shard, "tfrecord", manifest.image)]
    assert columns["id"].tolist() == [sample.id for sample in samples]
    assert columns["font"].tolist() == [sample.provenance["font"] for sample in samples]
    for i in (0, 24, 25, 79):
        pixels = columns["pixels"][columns["offsets"][i] : columns["offsets"][i + 1]]
        assert np.array_equal(pixels.reshape(32, columns["width"][i]), samples[i].image)


def test_read_hdf5_needs_no_tensorflow(tiny_dataset):
    code = f"import sys, ocrlib; ocrlib.read_hdf5({str(tiny_dataset)!r}, 'val'); print('tensorflow' in sys.modules)"
    assert run_code(code) == "False\n"


def damaged(folder):
    path = folder / "val-00000-of-00001.h5"
    flip_byte(path, path.read_bytes().index(b"val-000000003"))
    return folder


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda folder: ocrlib.read_hdf5(folder, "dev"), "has no split 'dev'; it has train, val, test"),
        (
            lambda folder: ocrlib.read_hdf5(damaged(folder), "val"),
            r"val-00000-of-00001\.h5: cannot be read: .*; `.*python -m ocrlib verify .*` tells what is damaged",
        ),
        (lambda folder: ocrlib.load(folder, "dev"), "has no samples in split 'dev'"),
        (lambda folder: ocrlib.read_hdf5(folder / "none", "val"), "no such folder"),
    ],
)
def test_what_is_missing_or_damaged_is_named(tiny_copy, call, message):
    with pytest.raises(UserError, match=message):
        call(tiny_copy)


def test_a_pytorch_dataset_in_ten_lines(tiny_dataset):
    torch = pytest.importorskip("torch")

    class Lines(torch.utils.data.Dataset):
        def __init__(self, folder, split):
            self.columns = ocrlib.read_hdf5(folder, split)

        def __len__(self):
            return len(self.columns["id"])

        def __getitem__(self, i):
            start, stop = self.columns["offsets"][i : i + 2]
            image = self.columns["pixels"][start:stop].reshape(-1, self.columns["width"][i])
            return torch.from_numpy(image.copy()), self.columns["text"][i]

    lines = Lines(tiny_dataset, "val")
    assert len(lines) == 20
    assert lines[3][0].shape[0] == 32
