"""Which machines train together, as `TF_CONFIG` says: known before TensorFlow starts, and without it.

`TF_CONFIG` is the variable that TensorFlow itself reads: JSON with the addresses of all workers, and which of them this
process is. `{"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 0}}`. Worker 0 is the
chief: it alone writes the run folder.
"""

import json
import os
from dataclasses import dataclass

from ocrlib.errors import UserError

VARIABLE = "TF_CONFIG"
_EXAMPLE = '{"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclass(frozen=True, kw_only=True)
class Machines:
    """How many machines train together, and which of them this is; one alone is number 0."""

    count: int = 1
    index: int = 0

    @property
    def is_chief(self) -> bool:
        return self.index == 0


def num_cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_machines() -> Machines:
    """Returns what `TF_CONFIG` says; one machine where it is not set.

    Raises:
      UserError: it is set to something else.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return Machines()
    try:
        values = json.loads(text)
        roles, task = values["cluster"], values["task"]
        workers, index = roles["worker"], task["index"]
        if set(roles) != {"worker"} or task["type"] != "worker" or not all(isinstance(each, str) for each in workers):
            raise ValueError("names other roles than worker")
        if type(index) is not int or not 0 <= index < len(workers):
            raise ValueError(f"has no worker {index!r}")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{VARIABLE}: expected such as {_EXAMPLE}, not this ({error!r})") from None
    return Machines(count=len(workers), index=index)
