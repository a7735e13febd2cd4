"""Worker processes that survive each other's death: when one is killed, its task is done again by another.

`concurrent.futures.ProcessPoolExecutor` gives up every pending task when one process is killed, and does not say which
task that process had. Here each worker has a pipe of its own, so the parent knows which worker died, and on which task.
"""

import multiprocessing
import os
import signal
import threading
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from ocrlib.errors import UserError, WorkerError

MAX_DEATHS = 3  # a task that so many workers died on is to blame itself

Report = Callable[[int], None]
Work = Callable[[Any, Report], Any]


@dataclass
class _Worker:
    """A worker process, the parent's end of its pipe, and the task it has; None while it waits for one."""

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
    """Yields (task, result) as tasks end, in any order. However it ends, it leaves no worker behind.

    Args:
      tasks: picklable work items that differ as text.
      num_workers: processes at most.
      start: called in each new worker with start_args; returns `work(task, report)`. Must be importable.
      on_progress: called in the parent with each amount that a worker reports; negative when the reports of a dead
        worker are taken back.

    Raises:
      UserError: as raised in a worker.
      WorkerError: any other exception in a worker, or a task whose worker died MAX_DEATHS times.
    """
    pool = _Pool(tasks, start, start_args, on_progress)
    try:
        while pool.share_out(num_workers):
            ready = set(wait([worker.pipe for worker in pool.workers]))
            for worker in [worker for worker in pool.workers if worker.pipe in ready]:
                for kind, value in _messages(worker.pipe):
                    if kind == "done":
                        task, worker.task = worker.task, None
                        yield task, value
                    else:
                        pool.handle(worker, kind, value)
    finally:
        pool.kill()


class _Pool:
    """The tasks that wait, and the workers that have the others."""

    def __init__(
        self, tasks: Sequence[Any], start: Callable[..., Work], start_args: tuple[Any, ...], on_progress: Report
    ) -> None:
        self.workers: list[_Worker] = []
        self._start, self._start_args, self._on_progress = start, start_args, on_progress
        self._waiting = deque(tasks)
        self._deaths, self._reported = Counter[str](), Counter[str]()  # by task

    def share_out(self, num_workers: int) -> bool:
        """Gives tasks to idle workers, of which it starts as many as needed; returns False if no task is left."""
        busy = sum(worker.task is not None for worker in self.workers)
        while len(self.workers) < min(num_workers, busy + len(self._waiting)):
            _start_worker(self._start, self._start_args, self.workers)
        for worker in self.workers:
            if worker.task is None and self._waiting:
                worker.task = self._waiting.popleft()
                _send(worker.pipe, worker.task)
        return any(worker.task is not None for worker in self.workers)

    def handle(self, worker: _Worker, kind: str, value: Any) -> None:
        """Acts on a worker's message, of any kind but "done"."""
        task = str(worker.task)
        if kind == "progress":
            self._reported[task] += value
            self._on_progress(value)
        elif kind == "user":
            raise UserError(value)
        elif kind == "error":
            raise WorkerError(f"{task}: {value}")
        else:
            self._bury(worker)

    def _bury(self, worker: _Worker) -> None:
        """Removes a dead worker; its task waits again, unless too many workers died on it."""
        self.workers.remove(worker)
        worker.process.join()
        worker.pipe.close()
        if worker.task is None:
            return
        task = str(worker.task)
        self._deaths[task] += 1
        self._on_progress(-self._reported.pop(task, 0))
        if self._deaths[task] >= MAX_DEATHS:
            raise WorkerError(
                f"{task}: its worker died {MAX_DEATHS} times (exit code {worker.process.exitcode}); out of memory? "
                "Try fewer --workers, or a smaller output.shard_samples"
            )
        self._waiting.appendleft(worker.task)

    def kill(self) -> None:
        """Ends every worker, whatever it is doing."""
        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.process.join()
            worker.pipe.close()


def _messages(pipe: Connection) -> Iterator[tuple[str, Any]]:
    """Yields the messages that have arrived as (kind, value); the last is ("dead", None) if the worker is gone."""
    while True:
        try:
            if not pipe.poll():
                return
            message = pipe.recv()
        except (EOFError, OSError):  # OSError: it died in the middle of a message
            yield "dead", None
            return
        yield message


def _start_worker(start: Callable[..., Work], start_args: tuple[Any, ...], workers: list[_Worker]) -> None:
    """Starts a worker and adds it to `workers`, even if Ctrl-C comes in the middle."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_worker_main, args=(theirs, start, start_args), daemon=True)
    # Ctrl-C reaches every process of the group; only the parent acts on it. A new worker imports for a second before it
    # can ignore the signal, so the parent blocks it first: a new process inherits what is blocked.
    resource_tracker.ensure_running()  # else it starts with the first process, and unblocks the signal
    with ctrl_c_waits():
        process.start()
        theirs.close()
        workers.append(_Worker(process, ours))


@contextmanager
def ctrl_c_waits() -> Iterator[None]:
    """Blocks SIGINT; one that came is delivered at the end. Windows has no such mask, and goes without."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    came: list[int] = []
    # The mask is this thread's alone. If another thread runs, such as that of a progress bar, it gets the signal, and
    # Python calls the handler in the main thread all the same.
    in_main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number)) if in_main else None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if in_main:
            signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)


def _worker_main(pipe: Connection, start: Callable[..., Work], start_args: tuple[Any, ...]) -> None:
    """Does tasks until it is killed or the parent is gone; runs in the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # see `_start_worker`; processes that it starts inherit this
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
    with suppress(BrokenPipeError, ConnectionResetError):  # the other side died; the next read from the pipe tells
        pipe.send(message)
