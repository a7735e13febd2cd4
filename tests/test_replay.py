"""Lines that a model learned from: found beside a run, drawn again from a card, or missed in one line."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ocrlib import replay
from ocrlib.dataset.manifest import read_manifest
from ocrlib.errors import UserError
from ocrlib.factory.recipe import recipe_from_dict
from ocrlib.factory.trust import sources_of
from ocrlib.files import read_json, write_json
from ocrlib.network.open import PRETRAINED, shipped_names
from ocrlib.training.settings import DataConfig, ModelConfig, RunConfig
from tests.training_fixtures import TrainedRun, numbers, write_dataset


@pytest.mark.parametrize("name", shipped_names())
def test_the_card_of_a_shipped_model_has_recipes_that_can_be_drawn_here(name: str) -> None:
    for dataset in read_json(PRETRAINED / f"{name}.json")["datasets"]:
        assert list(sources_of(recipe_from_dict(dataset["recipe"], name))) == []


def test_the_lines_of_a_card_are_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path))
    monkeypatch.setattr(replay, "_LINES", {"numeric": 6})
    monkeypatch.setattr(replay, "_VAL_LINES", 3)
    values: dict[str, Any] = {
        "name": "few",
        "seed": 1,
        "text": {"source": "numeric", "charset": "0123456789", "patterns": [{"name": "n", "regex": "[0-9]{4}"}]},
        "render": {"fonts": ["matplotlib"]},
    }
    folder = replay._draw("few", values)
    assert {name: split.samples for name, split in read_manifest(folder).splits.items()} == {"train": 6, "val": 3}
    made = (folder / "manifest.json").stat().st_mtime_ns
    assert replay._draw("few", values) == folder
    assert (folder / "manifest.json").stat().st_mtime_ns == made
    with pytest.raises(
        UserError, match="few: learned from lines of .*/absent.txt, which is not here; go on with --repl"
    ):
        replay._draw("few", values | {"text": {"source": "file", "path": str(tmp_path / "absent.txt")}})


def test_trainings_that_begin_together_draw_the_lines_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the second one would find the dataset in use, and go on without what it was not to forget."""
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path))
    drawing: list[int] = []
    most: list[int] = []

    def make_dataset(recipe: Any, out: Path, workers: int) -> None:
        drawing.append(1)
        time.sleep(0.2)
        most.append(len(drawing))
        drawing.pop()

    monkeypatch.setattr("ocrlib.factory.make.make_dataset", make_dataset)
    values = read_json(PRETRAINED / "numeric.json")["datasets"][0]["recipe"]
    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(lambda _: replay._draw("numeric", values), range(2)))
    assert folders[0] == folders[1]
    assert most == [1, 1]
    assert list(folders[0].parent.iterdir()) == []  # no lock is left


def test_a_run_is_replayed_from_its_own_datasets_as_long_as_they_are_there(
    trained_run: TrainedRun, tmp_path: Path
) -> None:
    found = replay.find_replay(str(trained_run.run), 0.25)
    assert (found.folders, found.share) == ((trained_run.dataset,), 0.25)
    about = json.loads((trained_run.run / "config.json").read_text())
    for entry in ({"folder": str(tmp_path / "gone")}, {"fingerprint": "0" * 64}):
        write_json(tmp_path / "config.json", about | {"datasets": [about["datasets"][0] | entry]})
        with pytest.raises(UserError, match="its datasets are not there any more .*; go on with --replay 0"):
            replay.find_replay(str(tmp_path), 0.25)
    with pytest.raises(UserError, match="does not tell what it learned from"):
        replay.find_replay("some.keras", 0.25)
    stored = [about["datasets"][0] | {"folder": "memory://there/digits"}]
    write_json(tmp_path / "config.json", about | {"datasets": stored})
    with pytest.raises(UserError, match="memory://there/digits is an address, which --replay 0.5 opens"):
        replay.find_replay(str(tmp_path), 0.25, addresses=False)  # as by default: nobody named it


@pytest.mark.parametrize("folder", ["s3://", "memory://a\nb", "a\0b", "", "a" * 5000])
def test_a_run_folder_of_a_stranger_names_what_it_likes(tmp_path: Path, folder: str) -> None:
    write_json(tmp_path / "config.json", {"datasets": [{"folder": folder, "fingerprint": "0" * 64}]})
    with pytest.raises(UserError, match="its datasets are not there any more .*; go on with --replay 0") as caught:
        replay.find_replay(str(tmp_path), 0.25)
    assert "\n" not in str(caught.value)


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    """A dataset that says it was imported."""
    folder = write_dataset(tmp_path / "mine", {"train": numbers(4)})
    values = json.loads((folder / "manifest.json").read_text()) | {"recipe": {"text": {"source": "import"}}}
    values.pop("checksum")
    (folder / "manifest.json").write_text(json.dumps(values))
    return folder


@pytest.mark.parametrize(
    ("settings", "model", "share", "begun", "expected"),
    [
        (RunConfig(), "numeric", None, {}, 0.5),
        (RunConfig(), "numeric", 0.2, {}, 0.2),
        (RunConfig(), "numeric", 0.0, {}, None),
        (RunConfig(), None, None, {}, None),
        (RunConfig(model=ModelConfig(charset="new")), "numeric", None, {}, None),
        (RunConfig(data=DataConfig(charset="012")), "numeric", None, {}, None),
        (RunConfig(), "numeric", None, {"replay": {"share": 0.3}}, 0.3),
        (RunConfig(), "numeric", None, {"replay": None}, None),
    ],
)
def test_imported_lines_are_replayed_with_unless_the_user_says_no(
    settings: RunConfig,
    model: str | None,
    share: float | None,
    begun: dict[str, Any],
    expected: float | None,
    imported: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay, "find_replay", lambda model, share, addresses: share)
    assert replay.replay_of([imported], settings, model, share, begun) == expected


def test_drawn_lines_are_not(tmp_path: Path) -> None:
    assert replay.replay_of([write_dataset(tmp_path / "d", {"train": ["1"]})], RunConfig(), "numeric", None, {}) is None


def test_what_cannot_be_had_stops_only_a_training_that_asked_for_it(
    imported: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay.replay_of([imported], RunConfig(), "some.keras", None, {}) is None
    assert capsys.readouterr().out.startswith("without replay: some.keras: does not tell")
    with pytest.raises(UserError, match="does not tell"):
        replay.replay_of([imported], RunConfig(), "some.keras", 0.5, {})
    with pytest.raises(UserError, match="a training from nothing has learned nothing yet"):
        replay.replay_of([imported], RunConfig(), None, 0.5, {})


def test_of_several_machines_none_goes_on_without_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: Any = ([], RunConfig(), "nobody.keras", None, {})
    assert replay.replay_of(*arguments) is None
    workers = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(workers))
    with pytest.raises(UserError, match=r"^nobody.keras: does not tell what it learned from"):
        replay.replay_of(*arguments)
