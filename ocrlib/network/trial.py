"""A network out of a file is tried before it reads: opened with bounded memory, and asked about blank lines.

A file can say what it likes about its height, charset and stride, and can hold a graph that answers with something
else, takes all the memory, or never ends.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib.errors import UserError
from ocrlib.network.ready import Network
from ocrlib.rounding import ceil_div

# Limits of a file of somebody else's. The largest network that comes with ocrlib takes 0.2 GB to open and is 48 pixels
# high; raise them here for one that is larger.
MAX_MEMORY_BYTES = 4 << 30  # beyond what the process has
LEAST_ROOM_BYTES = 1 << 30  # of addresses, which the threads of ONNX Runtime reserve and do not fill
MAX_SECONDS = 10.0  # for two blank lines, which take some hundredths
MAX_HEIGHT_PX = 1024
MAX_STRIDE_PX = 64
MAX_MARGIN = 100.0  # heights of ink
_NVIDIA = "/dev/nvidiactl"
_SUM_TOLERANCE = 1e-2  # of the probabilities of a time step


@contextmanager
def bounded_memory() -> Iterator[None]:
    """While the block runs, the process takes no more memory than above; where the system has no such limit, or a GPU,
    as usual.

    Raises:
      MemoryError, or what a library makes of it.
    """
    taken = _memory_taken()
    if taken is None:
        yield
        return
    import resource

    before, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [limit for limit in (before, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([*bounds, taken + MAX_MEMORY_BYTES]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, hard))


def _memory_taken() -> int | None:
    """Returns the bytes that the process has of its own; None where they cannot be told or bounded.

    The driver of a GPU maps the GPU's memory into the process, as much as there is.
    """
    if os.path.exists(_NVIDIA):
        return None
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def check_room(path: Path) -> None:
    """Refuses to open a network where `ulimit -v` leaves so little that a library ends the process with signal 11.

    Raises:
      UserError: says how much there is, and how much it takes.
    """
    limit = _address_limit()
    if limit is None:
        return
    with open("/proc/self/statm") as file:
        room = limit - int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    if room < LEAST_ROOM_BYTES:
        raise no_memory(path)


def no_memory(path: Path) -> UserError:
    """Returns what a user is told of a network that did not fit into the memory that there is."""
    limit = _address_limit()
    if limit is None:
        return UserError(f"{path}: takes more than {MAX_MEMORY_BYTES >> 30} GB to open and to try")
    return UserError(
        f"{path}: `ulimit -v` allows {limit >> 20} MB of address space, which is too little to open it; raise the limit"
    )


def _address_limit() -> int | None:
    """Returns the bytes of address space that the process may have; None where there is no such limit."""
    if not os.path.exists("/proc/self/statm"):
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


@contextmanager
def stopped_after_time(stop: Callable[[], Any]) -> Iterator[None]:
    """Calls `stop` from another thread if the block is not done after MAX_SECONDS."""
    timer = threading.Timer(MAX_SECONDS, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def check_network(network: Network, path: Path) -> None:
    """Refuses a network whose file says what cannot be, or whose answers are not what the file says.

    Raises:
      UserError: names the file, what was expected and what was found.
    """
    problem = _problem_of_values(network) or _problem_of_answers(network)
    if problem:
        raise UserError(f"{path}: is not a network of ocrlib's: {problem}")


def _problem_of_values(network: Network) -> str:
    bounds = {"height": MAX_HEIGHT_PX, "width_stride": MAX_STRIDE_PX}
    for name, most in bounds.items():
        value = getattr(network, name)
        if not isinstance(value, int) or not 1 <= value <= most:
            return f"{name} must be 1 to {most}, not {str(value)[:40]}"
    if network.channels not in (1, 3):
        return f"channels must be 1 or 3, not {str(network.channels)[:40]}"
    if not all(isinstance(share, int | float) and 0 <= share <= MAX_MARGIN for share in network.margins):
        return f"margins must be four shares from 0 to {MAX_MARGIN:.0f}"
    if not all(isinstance(pattern, str) for pattern in network.patterns):
        return "patterns must be texts"
    return ""


def _problem_of_answers(network: Network) -> str:
    """What is wrong with the probabilities of two blank lines, one of them padded."""
    width_px = 8 * network.width_stride
    image = np.full((2, network.height, width_px, network.channels), 255, np.uint8)
    probs = network.run(image, np.array([width_px, 1], np.int32))
    expected = (2, ceil_div(width_px, network.width_stride), network.charset.num_classes)
    if not isinstance(probs, np.ndarray) or probs.shape != expected or probs.dtype != np.float32:
        found = f"{probs.dtype} {probs.shape}" if isinstance(probs, np.ndarray) else type(probs).__name__
        return f"for two blank lines it must answer float32 {expected}, not {found}"
    if not np.isfinite(probs).all() or probs.min() < 0:
        return "its answers are no probabilities"
    if np.abs(probs.sum(axis=-1) - 1).max() > _SUM_TOLERANCE:
        return "its probabilities do not add up to 1"
    return ""
