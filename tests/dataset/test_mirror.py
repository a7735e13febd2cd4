"""Datasets in object stores, read: what comes is what the manifest lists, however the store behaves."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import fsspec
import numpy as np
import pytest

import ocrlib
from ocrlib.arguments import place
from ocrlib.dataset import store
from ocrlib.dataset.manifest import read_manifest
from ocrlib.dataset.mirror import as_stored, mirrored, place_of
from ocrlib.dataset.store import Store
from ocrlib.dataset.verify import verify_shards
from ocrlib.errors import UserError
from tests.dataset.stores import SECRET, Faults, put


@pytest.fixture
def s3(s3_faults: Faults, tiny_dataset: Path) -> Faults:
    """The server, with the tiny dataset at s3://bucket/tiny."""
    put(tiny_dataset, "s3://bucket/tiny")
    s3_faults.requests.clear()
    return s3_faults


@pytest.fixture
def memory(tiny_dataset: Path) -> Iterator[str]:
    """The tiny dataset in this process's memory."""
    put(tiny_dataset, "memory://there/tiny")
    yield "memory://there/tiny"
    fsspec.filesystem("memory").rm("/there", recursive=True)


def test_a_place_is_a_folder_or_an_address():
    assert place("datasets/numeric") == Path("datasets/numeric")
    assert place("s3://bucket/numeric") == "s3://bucket/numeric"
    assert place("file:///tmp/numeric") == Path("/tmp/numeric")
    assert mirrored(Path("datasets/numeric")) == Path("datasets/numeric")


def test_a_second_run_reads_the_manifest_and_nothing_else(s3: Faults, tiny_dataset: Path, tmp_path: Path):
    here = ocrlib.read_hdf5(tiny_dataset, "train")
    there = ocrlib.read_hdf5("s3://bucket/tiny", "train", cache=tmp_path)
    assert here.keys() == there.keys()
    assert all(np.array_equal(here[name], there[name]) for name in here)
    assert sorted(s3.gets(".h5")) == [f"train-{index:05d}-of-00004.h5" for index in range(4)]
    assert s3.gets(".tfrecord") == []
    s3.requests.clear()
    ocrlib.read_hdf5("s3://bucket/tiny", "train", cache=tmp_path)
    assert s3.gets() == ["manifest.json"]


def test_what_changed_in_the_cache_comes_anew(s3: Faults, tmp_path: Path):
    folder = mirrored("s3://bucket/tiny", cache=tmp_path)
    assert place_of(folder) == "s3://bucket/tiny"
    one, other, whole = sorted(folder.glob("*.h5"))[:3]
    data = one.read_bytes()
    one.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    other.unlink()
    s3.requests.clear()
    assert mirrored("s3://bucket/tiny", cache=tmp_path) == folder
    assert sorted(s3.gets(".h5")) == [one.name, other.name]
    assert whole.exists()


def test_a_dataset_that_was_made_again_is_another_one(memory: str, tmp_path: Path):
    folder = mirrored(memory, cache=tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    store.write_stored_manifest(Store(memory), read_manifest(folder))  # lists HDF5 alone, as is read of it
    assert mirrored(memory, cache=tmp_path) == folder
    made_again = replace(read_manifest(folder), rejected={"blank": 1})
    store.write_stored_manifest(Store(memory), made_again)
    again = mirrored(memory, cache=tmp_path)
    assert again != folder
    assert read_manifest(again) == made_again
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before  # a training may be reading it
    files, root = fsspec.url_to_fs(memory)
    files.pipe_file(f"{root}/manifest.json", b"{}")
    with pytest.raises(UserError, match=r"^memory://there/tiny/manifest.json: expected format"):
        mirrored(memory, cache=tmp_path)


@pytest.mark.parametrize("fault", ["cut", "cut first", 503])
def test_a_fault_that_passes_is_tried_again(s3: Faults, tmp_path: Path, fault: str | int):
    struck: list[str] = []

    def once_each(method: str, path: str) -> str | int | None:
        if method != "GET" or path in struck or not path.endswith((".h5", ".json")):
            return None
        struck.append(path)
        return fault

    s3.spoil = once_each
    folder = mirrored("s3://bucket/tiny", ["val"], cache=tmp_path)
    assert [path.name for path in folder.glob("*.h5")] == ["val-00000-of-00001.h5"]
    assert len(struck) == 2


def test_a_truncated_object_is_no_shorter_dataset(memory: str, tmp_path: Path):
    files, root = fsspec.url_to_fs(memory)
    name = "train-00001-of-00004.h5"
    data = files.cat_file(f"{root}/{name}")
    files.pipe_file(f"{root}/{name}", data[:1000])
    with pytest.raises(UserError) as raised:
        mirrored(memory, cache=tmp_path)
    assert f"{memory}/{name}: cannot be read: OSError: expected {len(data)} bytes, the store has 1000" in str(
        raised.value
    )
    files.pipe_file(f"{root}/{name}", data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(UserError, match=r"its bytes changed since it was written \(SHA-256 differs\)"):
        mirrored(memory, cache=tmp_path)
    files.rm_file(f"{root}/{name}")
    with pytest.raises(UserError, match=rf"^{memory}/{name}: is missing$"):
        mirrored(memory, cache=tmp_path)


def test_a_body_that_is_shorter_than_the_object_is_read_again(memory: str, tmp_path: Path, monkeypatch):
    files = fsspec.filesystem("memory")
    whole, cut = type(files).cat_file, []

    def cut_once(self: object, path: str, *arguments: object, **options: object) -> bytes:
        data = whole(self, path, *arguments, **options)
        if path in cut or not path.endswith(".h5"):
            return data
        cut.append(path)
        return data[: len(data) // 2]

    monkeypatch.setattr(type(files), "cat_file", cut_once)
    monkeypatch.setattr(store, "_PAUSE_S", 0.0)
    assert len(ocrlib.read_hdf5(memory, "train", cache=tmp_path)["id"]) == 80
    assert len(cut) == 4


def test_a_file_comes_in_blocks_and_its_hash_is_that_of_all(memory: str, tmp_path: Path, monkeypatch):
    files, most = fsspec.filesystem("memory"), []
    whole = type(files).cat_file

    def measured(self: object, path: str, *arguments: object, **options: object) -> bytes:
        data = whole(self, path, *arguments, **options)
        if path.endswith(".h5"):
            most.append(len(data))
        return data

    monkeypatch.setattr(type(files), "cat_file", measured)
    monkeypatch.setattr(store, "_BLOCK_BYTES", 5000)
    folder = mirrored(memory, cache=tmp_path)
    names = [path.name for path in folder.glob("*.h5")]
    assert len(names) == 6 and max(most) == 5000
    there = Path("/there/tiny")
    assert all((folder / name).read_bytes() == whole(files, str(there / name)) for name in names)


def test_a_shard_that_is_too_large_is_refused_before_it_comes(memory: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(store, "MAX_SHARD_BYTES", 3000)
    told = r"-of-00004.h5: has \d+ bytes; expected at most 3000; if you trust it, copy the dataset into a folder"
    with pytest.raises(UserError, match=told):
        mirrored(memory, ["train"], cache=tmp_path)
    assert list(tmp_path.rglob("*.h5")) == list(tmp_path.rglob("*.tmp")) == []


def test_a_bucket_without_rights_is_one_line_without_the_password(s3: Faults, tmp_path: Path):
    s3.spoil = lambda method, path: 403
    with pytest.raises(UserError) as raised:
        mirrored("s3://bucket/tiny", cache=tmp_path)
    line = str(raised.value)
    assert line.startswith("s3://bucket/tiny/manifest.json: cannot be read: no right to do so (PermissionError: ")
    assert line.endswith("check who you are to the store, and what you may")
    assert "\n" not in line and SECRET not in line


def test_an_address_with_a_password_is_refused_and_not_shown(tmp_path: Path):
    for address in (f"s3://me:{SECRET}@bucket/tiny", f"s3://bucket/tiny?key={SECRET}"):
        with pytest.raises(UserError, match=r"^s3://\.\.\.: leave user, password") as raised:
            mirrored(address, cache=tmp_path)
        assert SECRET not in str(raised.value)


def test_an_account_of_azure_is_no_password():
    for kind in ("abfs", "abfss", "az"):
        with pytest.raises(UserError, match=rf"^{kind}://.*/tiny: this needs adlfs, which is not installed"):
            Store(f"{kind}://container@account.dfs.core.windows.net/tiny")
        with pytest.raises(UserError, match=r"\.\.\.: leave user, password") as raised:
            Store(f"{kind}://container:{SECRET}@account.dfs.core.windows.net/tiny")
        assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("memory://there/none", "memory://there/none: is no dataset: it has no manifest.json"),
        ("s3://bucket/none", "s3://bucket/none: is no dataset: it has no manifest.json"),
        ("s3://nobody/none", "s3://nobody/none: is no dataset: it has no manifest.json"),
        ("gs://bucket/tiny", "gs://bucket/tiny: this needs gcsfs, which is not installed: pip install gcsfs"),
        ("ftpx://bucket", "ftpx://bucket: expected an address such as s3://bucket/name: Protocol not known: ftpx"),
    ],
)
def test_an_address_without_a_dataset_is_one_line(s3: Faults, tmp_path: Path, address: str, line: str):
    with pytest.raises(UserError) as raised:
        mirrored(address, cache=tmp_path)
    assert str(raised.value) == line


@pytest.mark.parametrize("package", ["fsspec", "s3fs"])
def test_what_is_not_installed_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str):
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError) as raised:
        mirrored("s3://bucket/tiny", cache=tmp_path)
    assert str(raised.value) == f"this needs {package}, which is not installed: pip install 'ocrlib[s3]'"


def test_a_name_that_leaves_the_folder_is_refused(memory: str, tmp_path: Path):
    files, root = fsspec.url_to_fs(memory)
    text = files.cat_file(f"{root}/manifest.json").decode()
    text = "\n".join(line for line in text.splitlines() if '"checksum"' not in line).replace(
        "val-00000-of-00001.h5", "../val.h5"
    )
    files.pipe_file(f"{root}/manifest.json", text.rstrip().removesuffix("}").rstrip().removesuffix(",").encode() + b"}")
    with pytest.raises(UserError, match="must be the name of a file in the dataset's own folder"):
        mirrored(memory, cache=tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_link_in_the_place_of_a_mirror_is_refused(memory: str, tmp_path: Path):
    folder = mirrored(memory, cache=tmp_path)
    (tmp_path / "away").mkdir()
    shutil.rmtree(folder)
    folder.symlink_to(tmp_path / "away")
    with pytest.raises(UserError, match="is a symbolic link, which a folder of the cache must not be; delete it"):
        mirrored(memory, cache=tmp_path)
    assert os.listdir(tmp_path / "away") == []


class EndlessServer(BaseHTTPRequestHandler):
    """Says that a file has 100 bytes, and sends megabytes for any range of it."""

    sent_mb = 0
    size: str | None = "100"

    def do_HEAD(self) -> None:
        self.send_response(200)
        if self.size is not None:
            self.send_header("Content-Length", self.size)
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(206)
        self.end_headers()
        with suppress(OSError):  # nobody listens any more
            for _ in range(100):
                self.wfile.write(b"x" * (1 << 20))
                type(self).sent_mb += 1

    def log_message(self, *arguments: object) -> None:
        return


def test_of_a_web_server_that_sends_without_an_end_no_more_is_taken_than_was_asked_for(monkeypatch):
    monkeypatch.setattr(store, "_PAUSE_S", 0.0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), EndlessServer)
    Thread(target=server.serve_forever, daemon=True).start()
    there = Store(f"http://127.0.0.1:{server.server_port}/tiny")
    assert there.read("manifest.json") == b"x" * 100
    assert EndlessServer.sent_mb < 50  # what the system takes before the connection is closed
    monkeypatch.setattr(EndlessServer, "size", None)
    with pytest.raises(UserError, match="does not say how many bytes it has"):
        there.read("manifest.json")
    server.shutdown()
    server.server_close()


def test_verify_sees_the_store_and_not_the_cache(memory: str, tmp_path: Path, run_here, monkeypatch):
    from ocrlib.cli import main

    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path))
    mirrored(memory)
    assert run_here(main, "ocrlib", "verify", memory).stdout == f"{memory}: 6 shards as the manifest says\n"
    files, root = fsspec.url_to_fs(memory)
    files.pipe_file(f"{root}/val-00000-of-00001.tfrecord", b"short")
    done = run_here(main, "ocrlib", "verify", memory)
    assert done.code == 1
    assert done.messages[-2].startswith(f"{memory}/val-00000-of-00001.tfrecord: expected ")
    assert done.messages[-1] == (
        f"{memory}: 1 problem in 6 shards; delete these objects, and the command that made the dataset makes them again"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["mirrors"]
    mended = run_here(main, "ocrlib", "verify", memory, "--repair")
    assert (mended.code, len(mended.messages)) == (2, 1)
    assert f"--repair: {memory} is in a store, where nothing is drawn again in place; `verify` without" in mended.stderr


def test_a_check_deletes_what_a_killed_one_left_and_counts_what_vanishes(memory: str, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path))
    for name, age_s in (("verify-old", 3 * 24 * 3600), ("verify-now", 60)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part").touch()
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    files, root = fsspec.url_to_fs(memory)
    listed = Store.sizes

    def then_deleted(self: Store) -> dict[str, int]:
        found = listed(self)
        files.rm_file(f"{root}/val-00000-of-00001.h5")
        return found

    monkeypatch.setattr(Store, "sizes", then_deleted)
    with as_stored(memory) as folder:
        problems = verify_shards(folder, read_manifest(folder))
    assert problems == {"val-00000-of-00001": [f"{folder}/val-00000-of-00001.h5: is missing"]}
    assert [path.name for path in tmp_path.iterdir()] == ["verify-now"]


def test_a_card_is_put_beside_the_dataset(memory: str, tmp_path: Path, run_here, monkeypatch):
    from ocrlib.cli import main

    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path))
    files, root = fsspec.url_to_fs(memory)
    files.pipe_file(f"{root}/README.md", b"my own words")
    done = run_here(main, "ocrlib", "card", memory)
    assert (done.code, done.stdout.splitlines()[-1]) == (0, f"picture: {memory}/preview.png")
    assert files.cat_file(f"{root}/README.md") == b"my own words"
    assert files.cat_file(f"{root}/card.txt").decode() in done.stdout.replace(memory, str(mirrored(memory)))
    assert files.cat_file(f"{root}/preview.png").startswith(b"\x89PNG")
    shutil.rmtree(tmp_path)
