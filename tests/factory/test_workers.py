"""run_tasks: results in any order; a killed worker costs only its current task."""

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from ocrlib.errors import UserError, WorkerError
from ocrlib.factory.workers import MAX_DEATHS, _Worker, run_tasks


def start_squaring(folder: Path):
    """Work for the tests: the name of a task says what it does. Each start of a task writes a line to `log`."""

    def work(task, report):
        with open(folder / "log", "a") as log:
            log.write(f"{task}\n")
        starts = (folder / "log").read_text().split().count(str(task))
        report(1)
        match str(task).split("-"):
            case ["dies", times] if starts <= int(times):
                os.kill(os.getpid(), signal.SIGKILL)
            case ["exits"]:
                os._exit(0)
            case ["naps"]:
                time.sleep(0.5)
            case ["sleeps"]:
                time.sleep(60)
            case ["mistaken"]:
                raise UserError("mend this")
            case ["broken"]:
                raise ZeroDivisionError("two lines\nof text")
        report(1)
        return f"{task} done"

    return work


BLOCKED = signal.SIGINT in signal.pthread_sigmask(
    signal.SIG_BLOCK, ()
)  # in a worker: at the time it imports this module


def start_telling(_):
    return lambda task, report: BLOCKED


def refuse_to_start(message):
    raise UserError(message)


def run(folder, tasks, num_workers=2, on_progress=lambda amount: None):
    return run_tasks(
        tasks, num_workers=num_workers, start=start_squaring, start_args=(folder,), on_progress=on_progress
    )


def starts(folder) -> Counter[str]:
    return Counter((folder / "log").read_text().split())


def test_no_ctrl_c_reaches_a_worker_that_is_still_importing():
    results = run_tasks(["a", "b"], num_workers=2, start=start_telling, start_args=(None,))
    assert [blocked for _, blocked in results] == [True, True]
    assert signal.SIGINT not in signal.pthread_sigmask(
        signal.SIG_BLOCK, ()
    )  # in the parent, SIGINT is no longer blocked


@pytest.fixture
def other_thread(request):
    """A thread beside the main one, as a progress bar has, which does not block signals; or none."""
    done = threading.Event()
    if request.param:
        threading.Thread(target=done.wait).start()
    yield
    done.set()


@pytest.mark.usefixtures("other_thread")
@pytest.mark.parametrize("other_thread", [False, True], indirect=True, ids=["alone", "with a thread"])
def test_a_ctrl_c_while_a_worker_starts_is_handled_after_the_start_and_leaves_no_worker(tmp_path, monkeypatch):
    process = multiprocessing.get_context("spawn").Process
    real_start = process.start

    def start_and_interrupt(self):
        real_start(self)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)  # another thread may get the signal, a little later
        self.started = True  # would not be reached if the signal were handled at once

    monkeypatch.setattr(process, "start", start_and_interrupt)
    seen = []
    monkeypatch.setattr("ocrlib.factory.workers._Worker", lambda *args: seen.append(args[0]) or _Worker(*args))
    with pytest.raises(KeyboardInterrupt):
        list(run(tmp_path, ["naps-1"]))
    assert [process.started for process in seen] == [True]
    assert not any(process.is_alive() for process in seen)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("num_workers", [1, 3])
def test_every_task_gives_its_result_once(tmp_path, num_workers):
    tasks = [f"task-{i}" for i in range(7)]
    results = list(run(tmp_path, tasks, num_workers))
    assert sorted(results) == [(task, f"{task} done") for task in tasks]
    assert starts(tmp_path) == Counter(tasks)
    assert multiprocessing.active_children() == []


def test_no_tasks_start_no_worker(tmp_path):
    assert list(run(tmp_path, [])) == []
    assert not (tmp_path / "log").exists()


def test_a_killed_worker_costs_only_its_task(tmp_path):
    tasks = ["a", "b", "dies-1", "c", "d", "dies-2", "e"]
    assert sorted(task for task, _ in run(tmp_path, tasks)) == sorted(tasks)
    assert starts(tmp_path) == Counter(tasks) + Counter({"dies-1": 1, "dies-2": 2})


def test_progress_of_a_killed_worker_is_taken_back(tmp_path):
    amounts = []
    list(run(tmp_path, ["a", "dies-2", "b"], on_progress=amounts.append))
    assert sum(amounts) == 2 * 3
    assert amounts.count(-1) == 2


@pytest.mark.parametrize(("task", "exit_code"), [(f"dies-{MAX_DEATHS}", -9), ("exits", 0)])
def test_a_task_that_kills_three_workers_stops_the_run_with_its_name(tmp_path, task, exit_code):
    with pytest.raises(WorkerError) as caught:
        list(run(tmp_path, [task, "a"]))
    assert str(caught.value).startswith(f"{task}: its worker died 3 times (exit code {exit_code}); out of memory?")
    assert starts(tmp_path)[task] == MAX_DEATHS
    assert multiprocessing.active_children() == []


def test_the_users_mistake_comes_back_as_such(tmp_path):
    with pytest.raises(UserError, match="^mend this$"):
        list(run(tmp_path, ["mistaken"]))


def test_any_other_exception_names_task_and_place(tmp_path):
    with pytest.raises(WorkerError) as caught:
        list(run(tmp_path, ["broken"]))
    assert str(caught.value).startswith("broken: Traceback")
    assert "ZeroDivisionError: two lines\nof text" in str(caught.value)


def test_a_worker_that_cannot_start_says_why():
    with pytest.raises(UserError, match="^no fonts$"):
        list(run_tasks(["a"], num_workers=2, start=refuse_to_start, start_args=("no fonts",)))


def test_closing_the_results_leaves_no_worker(tmp_path):
    results = run(tmp_path, ["a", "sleeps", "b"])
    next(results)
    assert multiprocessing.active_children()
    results.close()
    assert multiprocessing.active_children() == []


def test_workers_ignore_ctrl_c_only_the_parent_acts_on_it(tmp_path):
    struck = []

    def strike(amount):  # called while the worker sleeps, after its first report
        if not struck:
            struck.extend(worker.pid for worker in multiprocessing.active_children())
            os.kill(struck[0], signal.SIGINT)

    results = list(run(tmp_path, ["naps", "b"], num_workers=1, on_progress=strike))
    assert len(struck) == 1
    assert [task for task, _ in results] == ["naps", "b"]
    assert starts(tmp_path) == Counter(
        ["naps", "b"]
    )  # a worker that the signal had killed would have started its task again
