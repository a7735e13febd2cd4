"""The shards of a dataset drawn on a cluster by dask.distributed: a pool for `make`, beside that of this machine.

A worker opens fonts and texts for itself, draws a shard and returns the bytes of its files; only this process writes.
So workers need neither the dataset's folder nor a right to it, and a folder is resumed as after any other run.
At most one shard for each worker is under way, and this process holds the bytes of one at a time.
"""

import logging
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocrlib import config
from ocrlib.dataset.manifest import ShardEntry
from ocrlib.dataset.plan import Shard
from ocrlib.errors import UserError, WorkerError
from ocrlib.extras import installed
from ocrlib.factory.cluster_worker import do_task, start_worker
from ocrlib.factory.drawing import Pool, saving, ways_to
from ocrlib.factory.ingredients import Ingredients, environment
from ocrlib.factory.recipe import Recipe
from ocrlib.factory.workers import MAX_DEATHS, Report, Work, ctrl_c_waits

if TYPE_CHECKING:
    from distributed import Client

_KNOCK_S, _CONNECT_S = 5, 30
_SCHEMES = ("tcp", "tls", "ws", "wss", "ucx")  # that dask has
_LONGEST_GREETING = 1 << 20  # bytes
_SCHEDULER_PORT = 8786  # dask's own
_FIRST_WORKER_S = 60
_LAST_WORKER_S = 60  # without any worker, before a run ends
_LOOK_S = 5  # between two looks for workers, each a question to the scheduler
_PAUSE_S = 0.02  # between two looks whether a task is done


@installed("cluster")
def on_cluster(address: str) -> Pool:
    """Returns the pool of the workers at `address`: a scheduler's, or `local:8` for eight processes of this machine.

    Raises:
      UserError: dask.distributed is not installed, or nobody answers at the address. That is found here, before a
        dataset that is to grow has lost its manifest.
    """
    import distributed  # noqa: F401 - tells at once where it is missing

    if _local_workers(address) is None:
        with _answering(address):
            _knock(address)

    def make_shards(
        todo: Sequence[Shard], recipe: Recipe, ingredients: Ingredients, out: Path | str, on_progress: Report
    ) -> Iterator[tuple[Shard, ShardEntry]]:
        if not todo:
            return
        start_args = (config.to_dict(recipe), ingredients.inputs, environment())
        with connected(address) as client:
            for shard, (entry, files) in run_tasks(
                todo, client=client, start=start_worker, start_args=start_args, on_progress=on_progress
            ):
                put, note = ways_to(out)
                with saving(out, shard):
                    for name, data in files.items():
                        put(name, data)
                    note(shard, entry)
                del files  # before the bytes of the next shard come
                yield shard, entry

    return make_shards


def _local_workers(address: str) -> int | None:
    """Returns 8 for local:8, None for the address of a scheduler."""
    if not address.startswith("local"):
        return None
    match = re.fullmatch(r"local:(\d{1,4})", address)
    if match is None or int(match[1]) == 0:
        raise UserError(f"--cluster {address}: expected local:8 for eight workers of this machine, or an address")
    return int(match[1])


@contextmanager
def connected(address: str) -> "Iterator[Client]":
    """Yields a client of the cluster at an address; `local:N` starts one, which ends with the block.

    Raises:
      UserError: nobody answers there, or no worker comes.
    """
    from distributed import Client

    for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is told in one line, by us
    num_local = _local_workers(address)
    with ExitStack() as stack:
        cluster = None if num_local is None else stack.enter_context(_local_cluster(num_local))
        with _answering(address):
            client = stack.enter_context(Client(cluster or address, timeout=_CONNECT_S, set_as_default=False))
        try:
            client.wait_for_workers(1, timeout=_FIRST_WORKER_S)
        except TimeoutError:
            raise UserError(
                f"--cluster {address}: no worker has come within {_FIRST_WORKER_S} s; start some on the machines that "
                f"are to draw: dask worker {address} --nthreads 1 --nworkers -1"
            ) from None
        yield client


@contextmanager
def _answering(address: str) -> Iterator[None]:
    """Says in one line that nobody answers at an address."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: an address that is none
        raise UserError(
            f"--cluster {address}: nobody answers there ({type(error).__name__}); start a scheduler with "
            "`dask scheduler` and name its address, or take local:8"
        ) from error


def _knock(address: str) -> None:
    """Raises OSError or ValueError where no scheduler answers.

    Where no connection can be made, dask would try again until its time is over. Where one is made and nothing comes,
    it would wait for ever: a scheduler speaks first, and dask has no timeout for that.
    """
    from distributed.comm import parse_address, parse_host_port

    scheme, place = parse_address(address)
    host, port = parse_host_port(place, _SCHEDULER_PORT)
    if not host or not 0 < port < 65536 or scheme not in _SCHEMES:
        raise ValueError(address)
    if scheme in ("tcp", "tls"):
        with socket.create_connection((host, port), timeout=_KNOCK_S) as connection:
            if scheme == "tcp":  # in tls, it is the client who speaks first
                connection.settimeout(_CONNECT_S)
                # 8 bytes: how long its first message is, which is a few hundred bytes.
                with connection.makefile("rb") as stream:
                    length = int.from_bytes(stream.read(8), "little")
                if not 0 < length < _LONGEST_GREETING:
                    raise ValueError("this is no scheduler")


@contextmanager
def _local_cluster(num_workers: int) -> Iterator[Any]:
    """Yields a cluster of processes on this machine; only this machine can connect to it."""
    import dask
    from distributed import LocalCluster

    resource_tracker.ensure_running()  # as for the workers of this machine
    # On a busy machine a worker that replaces a dead one may take longer than the 15 s after which dask gives it up.
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "10 minutes"}):
        # Worker processes, and those that replace them, are started by a thread of the cluster's, which is started
        # here: all of them inherit that Ctrl-C is blocked. Only this process acts on it.
        with ctrl_c_waits():
            cluster = LocalCluster(
                n_workers=num_workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
                scheduler_kwargs={"allowed_failures": MAX_DEATHS - 1},  # dask counts those that a task survives
            )
        with cluster:
            yield cluster


def run_tasks(
    tasks: Sequence[Any],
    *,
    client: "Client",
    start: Callable[..., Work],
    start_args: tuple[Any, ...],
    on_progress: Report = lambda amount: None,
) -> Iterator[tuple[Any, Any]]:
    """Yields (task, result) as tasks end, in any order, as `workers.run_tasks` does on this machine.

    A worker that dies costs its task, which another one does again. One task for each worker is submitted at a time, so
    a task that kills its workers is the only one to blame.

    Args:
      tasks: picklable, and different as text.
      client: of the cluster.
      start: called in each worker with start_args; returns `work(task, report)`. Must be importable there.
      on_progress: called with what a task has reported, once it is done.

    Raises:
      UserError: as raised in a worker, or a worker has no ocrlib.
      WorkerError: any other exception in a worker, a task that its workers died of, or a cluster that is gone, or
        whose workers are.
    """
    from distributed import as_completed

    run, waiting = uuid.uuid4().hex, list(reversed(tasks))
    tasks_of: dict[str, Any] = {}
    done = as_completed(loop=client.loop)

    def submit() -> None:
        while waiting and len(tasks_of) < max(1, len(client.nthreads())):
            task = waiting.pop()
            key = f"{task}-{run}"
            tasks_of[key] = task
            done.add(client.submit(do_task, run, start, start_args, task, key=key, pure=False))

    submit()
    while not done.is_empty():
        _wait(done, client)
        future = next(done)
        task = tasks_of.pop(future.key)
        result, amount = _result(future, task)
        future.release()
        submit()  # the worker goes on while the result is written
        on_progress(amount)
        yield task, result
        del result


def _wait(done: Any, client: "Client") -> None:
    """Waits until a task is done; raises WorkerError when there is no worker to do one, and none comes."""
    looked = last_seen = time.monotonic()
    while not done.has_ready():
        time.sleep(_PAUSE_S)
        now = time.monotonic()
        if now - looked < _LOOK_S:
            continue
        looked = now
        if client.nthreads():
            last_seen = now
        elif now - last_seen > _LAST_WORKER_S:
            raise WorkerError(
                f"no worker of the cluster is left, and none has come for {_LAST_WORKER_S} s; what is done stays, the "
                "same command goes on from here"
            )


def _result(future: Any, task: Any) -> tuple[Any, int]:
    """The result of a future, or what went wrong, as ours."""
    from distributed import KilledWorker
    from distributed.client import CancelledError

    try:
        return future.result()
    except UserError:
        raise
    except KilledWorker as error:
        raise WorkerError(
            f"{task}: {error.allowed_failures + 1} workers died of it; out of memory? Try a smaller "
            "output.shard_samples, or workers with more memory; the same command goes on from here"
        ) from None
    except CancelledError as error:
        raise WorkerError(f"{task}: the cluster is gone ({error}); the same command goes on from here") from None
    except ImportError as error:
        raise UserError(f"a worker cannot import what draws ({error}); install the same ocrlib there") from None
    except Exception as error:
        raise WorkerError(f"{task}: {type(error).__name__}: {error}") from error
