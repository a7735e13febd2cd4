"""cluster: the bytes of one machine; a worker that dies costs its task; what is different on a worker is named.

Most tests talk to a cluster within this process, which starts in no time; one starts worker processes, to kill them.
"""

import logging
import os
import re
import signal
import socket
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from ocrlib.commands.data import make_data
from ocrlib.dataset.manifest import read_manifest
from ocrlib.errors import UserError, WorkerError
from ocrlib.factory import cluster, cluster_worker, drawing
from ocrlib.factory.cluster import connected, on_cluster, run_tasks
from ocrlib.factory.cluster_worker import differences
from ocrlib.factory.make import make_dataset
from ocrlib.factory.parts import Part, make_part
from ocrlib.factory.recipe import load_recipe
from tests.generating import leftovers, shard_hashes


@pytest.fixture(scope="module")
def address():
    """Of a scheduler that has two workers in this process."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    ) as local:
        yield local.scheduler_address


def start_squaring(folder: Path):
    """Work for the tests, as in test_workers: the name of a task says what it does."""

    def work(task, report):
        with open(folder / "log", "a") as log:
            log.write(f"{task}\n")
        starts = (folder / "log").read_text().split().count(task)
        report(1)
        match task.split("-"):
            case ["dies", times] if starts <= int(times):
                os.kill(os.getpid(), signal.SIGKILL)
            case ["mistaken"]:
                raise UserError("mend this")
            case ["broken"]:
                raise ZeroDivisionError("two lines\nof text")
        report(1)
        return f"{task} done"

    return work


def test_a_cluster_gives_the_bytes_of_this_machine(address, tiny_dataset, tiny_recipe, tmp_path):
    recipe, out = load_recipe(tiny_recipe), tmp_path / "d"
    assert make_part(recipe, out, on_cluster(address), Part(index=1, count=3)).made == 2  # a part, and then the rest
    manifest, worked = make_dataset(recipe, out, on_cluster(address))
    assert worked and manifest == read_manifest(tiny_dataset)
    assert shard_hashes(out) == shard_hashes(tiny_dataset)
    assert leftovers(out) == []


def test_a_run_that_stops_leaves_a_dataset_to_resume(address, tiny_dataset, tiny_recipe, tmp_path, monkeypatch):
    recipe, out = load_recipe(tiny_recipe), tmp_path / "d"
    real, written = drawing.write_bytes, []

    def interrupt(path, data):
        if len(written) == 5:  # in the third shard, between its two files
            raise KeyboardInterrupt
        written.append(path.name)
        real(path, data)

    monkeypatch.setattr(drawing, "write_bytes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make_dataset(recipe, out, on_cluster(address))
    assert not (out / "manifest.json").exists()
    finished = {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.name in written[:4]}
    monkeypatch.setattr(drawing, "write_bytes", real)
    manifest, _ = make_dataset(recipe, out, on_cluster(address))
    assert manifest == read_manifest(tiny_dataset)
    assert {name: (out / name).stat().st_mtime_ns for name in finished} == finished


def test_a_worker_that_has_something_else_is_named_with_it(address, tiny_recipe, tmp_path, monkeypatch):
    for half in (cluster, cluster_worker):
        monkeypatch.setattr(half, "environment", lambda: {"python": "3.12.1", "pillow": next(versions)})
    versions = iter(["13.0.0", "12.1.0", "12.1.0"])  # here, and then on the workers
    with pytest.raises(UserError) as caught:
        make_dataset(load_recipe(tiny_recipe), tmp_path / "d", on_cluster(address))
    told = r"the worker tcp://127\.0\.0\.1:\d+ has pillow 12\.1\.0, not 13\.0\.0; install the same on both"
    assert re.fullmatch(told, str(caught.value))


def test_what_is_different_is_told_in_a_few_words():
    here = {"font:A.ttf:0123": "1.0", "font:B.ttf:4567": "1.0", "pillow": "13.0.0", "python": "3.11.7"}
    assert differences(here, here | {"python": "3.11.9"}) == ""
    there = {"font:A.ttf:0123": "1.0", "font:C.ttf:89ab": "1.0", "pillow": "12.1.0"}
    assert differences(here, there) == "lacks B.ttf, has C.ttf, which is not here, has pillow 12.1.0, not 13.0.0"
    assert differences({}, dict.fromkeys("abcdef", "")).endswith("has d, which is not here and 2 things more")


@pytest.mark.parametrize(
    ("task", "kind", "told"),
    [
        ("mistaken", UserError, "^mend this$"),
        ("broken", WorkerError, "^broken: ZeroDivisionError: two lines\nof text$"),
    ],
)
def test_what_goes_wrong_in_a_worker_comes_back(address, tmp_path, task, kind, told):
    with connected(address) as client, pytest.raises(kind, match=told):
        list(run_tasks(["a", task], client=client, start=start_squaring, start_args=(tmp_path,)))


def test_killed_workers_cost_only_their_task_and_one_that_kills_three_is_named(tmp_path):
    amounts: list[int] = []
    with connected("local:2") as client:
        arguments = {"client": client, "start": start_squaring, "start_args": (tmp_path,)}
        tasks = ["a", "dies-1", "b", "c"]
        results = run_tasks(tasks, **arguments, on_progress=amounts.append)
        assert sorted(results) == [(task, f"{task} done") for task in sorted(tasks)]
        assert sum(amounts) == 2 * len(tasks)
        with pytest.raises(WorkerError, match="^dies-3: 3 workers died of it; out of memory?"):
            list(run_tasks(["dies-3", "d"], **arguments))
    starts = Counter((tmp_path / "log").read_text().split())
    assert (starts["dies-1"], starts["dies-3"]) == (2, 3)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("tcp://127.0.0.1:9", "nobody answers there (ConnectionRefusedError); start a scheduler with `dask scheduler`"),
        ("127.0.0.1:99999", "nobody answers there (ValueError); start a scheduler with `dask scheduler`"),
        ("foo://127.0.0.1:9", "nobody answers there (ValueError); start a scheduler with `dask scheduler`"),
        ("local:0", "expected local:8 for eight workers of this machine, or an address"),
        ("local:many", "expected local:8 for eight workers of this machine, or an address"),
    ],
)
def test_an_address_of_nobody_is_one_line(address, told, tiny_recipe, tmp_path):
    with pytest.raises(UserError) as caught:
        make_data([str(tiny_recipe), "--out", str(tmp_path / "d"), "--cluster", address])
    assert str(caught.value).startswith(f"--cluster {address}: {told}")
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(("said", "told"), [(b"", "TimeoutError"), (b"SSH-2.0-OpenSSH_9.2\r\n", "ValueError")])
def test_an_address_where_no_scheduler_speaks_is_not_waited_for(said, told, monkeypatch):
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        speaks = threading.Thread(target=lambda: _say(server, said))
        speaks.start()
        try:
            with pytest.raises(UserError, match=rf"nobody answers there \({told}\)"):
                on_cluster(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        finally:
            speaks.join()


def _say(server, said):
    """Answers one caller, and stays until the caller leaves."""
    connection, _ = server.accept()
    with connection:
        connection.sendall(said)
        connection.recv(1)


def test_without_the_extra_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    told = "this needs distributed, which is not installed: pip install 'ocrlib[cluster]'"
    with pytest.raises(UserError, match=f"^{re.escape(told)}$"):
        on_cluster("local:2")


def test_a_scheduler_without_workers_is_told(tmp_path, monkeypatch):
    from distributed import LocalCluster

    monkeypatch.setattr(cluster, "_FIRST_WORKER_S", 0.1)
    settings = {"processes": False, "protocol": "tcp://", "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=0, silence_logs=logging.CRITICAL, **settings) as local:
        told = f"--cluster {local.scheduler_address}: no worker has come within 0.1 s; start some"
        with pytest.raises(UserError, match=f"^{re.escape(told)}"), connected(local.scheduler_address):
            pass


def test_workers_that_go_away_for_good_end_the_run(tmp_path, monkeypatch):
    from distributed import Client, LocalCluster

    monkeypatch.setattr(cluster, "_LAST_WORKER_S", 0.1)
    monkeypatch.setattr(cluster, "_LOOK_S", 0.05)
    settings = {"processes": False, "protocol": "tcp://", "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with (
        LocalCluster(n_workers=0, silence_logs=logging.CRITICAL, **settings) as local,
        Client(local, set_as_default=False) as client,
        pytest.raises(WorkerError, match=r"^no worker of the cluster is left, and none has come for 0.1 s; what is"),
    ):
        list(run_tasks(["a"], client=client, start=start_squaring, start_args=(tmp_path,)))
