"""Worker processes that outlive each other: the death of one costs the task it held, and nothing else.

`concurrent.futures.ProcessPoolExecutor` gives up every pending future when one process is killed, and does
not say whose task it was. Here each worker has a pipe of its own, so the parent knows both.
"""

import multiprocessing
import os
import signal
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from ocrlib.errors import UserError, WorkerError

MAX_DEATHS = 3  # a task that takes this many workers down with it is at fault itself

Report = Callable[[int], None]
Work = Callable[[Any, Report], Any]


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Any = None


def run_tasks(
    tasks: Sequence[Any],
    *,
    num_workers: int,
    start: Callable[..., Work],
    start_args: tuple[Any, ...],
    on_progress: Report = lambda amount: None,
) -> Iterator[tuple[Any, Any]]:
    """Yields (task, result) as tasks end, in any order; every worker is gone when it stops, however it stops.

    Args:
      tasks: picklable, printable work items.
      num_workers: processes at most.
      start: called in each new worker with start_args; returns `work(task, report)`. Must be importable.
      on_progress: called in the parent with each amount that a worker reports; negative when a dead worker's
        reports are taken back.

    Raises:
      UserError: as raised in a worker.
      WorkerError: any other exception in a worker, or a task whose worker died MAX_DEATHS times.
    """
    context = multiprocessing.get_context("spawn")
    waiting, deaths, reported = deque(tasks), Counter[str](), Counter[str]()
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.task is not None for worker in workers):
            busy = sum(worker.task is not None for worker in workers)
            while len(workers) < min(num_workers, busy + len(waiting)):
                _start_worker(context, start, start_args, workers)
            for worker in workers:
                if worker.task is None and waiting:
                    worker.task = waiting.popleft()
                    _send(worker.pipe, worker.task)
            wait([worker.pipe for worker in workers])
            for worker in list(workers):
                for kind, value in _messages(worker.pipe):
                    name = str(worker.task)
                    if kind == "progress":
                        reported[name] += value
                        on_progress(value)
                    elif kind == "done":
                        task, worker.task = worker.task, None
                        yield task, value
                    elif kind == "user":
                        raise UserError(value)
                    elif kind == "error":
                        raise WorkerError(f"{name}: {value}")
                    else:
                        workers.remove(worker)
                        worker.process.join()
                        worker.pipe.close()
                        if worker.task is None:
                            continue
                        deaths[name] += 1
                        on_progress(-reported.pop(name, 0))
                        if deaths[name] >= MAX_DEATHS:
                            raise WorkerError(
                                f"{name}: its worker died {MAX_DEATHS} times "
                                f"(exit code {worker.process.exitcode}); out of memory? "
                                "Try fewer --workers, or a smaller output.shard_samples"
                            )
                        waiting.appendleft(worker.task)
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()
            worker.pipe.close()


def _messages(pipe: Connection) -> Iterator[tuple[str, Any]]:
    """Yields what has arrived, and ("dead", None) last if the worker will send no more."""
    while True:
        try:
            if not pipe.poll():
                return
            message = pipe.recv()
        except (EOFError, OSError):  # OSError: it died in the middle of a message
            yield "dead", None
            return
        yield message


def _start_worker(
    context: Any, start: Callable[..., Work], start_args: tuple[Any, ...], workers: list[_Worker]
) -> None:
    """Adds a new worker to `workers`."""
    ours, theirs = context.Pipe()
    process = context.Process(target=_worker_main, args=(theirs, start, start_args), daemon=True)
    # Ctrl-C reaches the whole group, and the parent decides. A new process must not hear it either, which imports for
    # a second before it can say so: what is blocked here is blocked in there. Here it is only put off.
    resource_tracker.ensure_running()  # starts with the first process otherwise, and takes the block away
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
        theirs.close()
        workers.append(_Worker(process, ours))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)  # a Ctrl-C that was put off comes now


def _worker_main(pipe: Connection, start: Callable[..., Work], start_args: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as `_start_worker` says; what it starts in turn inherits this
    try:
        work = start(*start_args)
        while True:
            task = pipe.recv()
            _send(pipe, ("done", work(task, lambda amount: pipe.send(("progress", amount)))))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(1)  # the parent is gone
    except UserError as error:
        _send(pipe, ("user", str(error)))
    except Exception:
        _send(pipe, ("error", traceback.format_exc()))


def _send(pipe: Connection, message: Any) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # the other side died; whoever reads next finds out
        pipe.send(message)
