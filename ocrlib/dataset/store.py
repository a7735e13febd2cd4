"""A dataset in an object store, as objects under one address: `s3://bucket/numeric`, `gs://...`, `memory://...`.

The only module that knows fsspec. An object appears whole or not at all, so a PUT is what a rename is on a disk. No
listing that fsspec has kept is trusted. What is read is compared with the manifest; what was written is asked for.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from ocrlib.dataset.manifest import FILE_NAME, WORK_DIR, Manifest, manifest_of, manifest_text
from ocrlib.errors import UserError
from ocrlib.extras import advice_on, installed
from ocrlib.files import MAX_JSON_BYTES, parse_json

T = TypeVar("T")

# Of a shard's file, whose size may be a stranger's. 5,000 lines have some 80 MB; what reads a shard holds all of it.
MAX_SHARD_BYTES = 4 << 30
_BLOCK_BYTES = 8 << 20  # of a file that comes to this machine
TRIES = 3  # of ours; s3fs has its own below them
_PAUSE_S = 0.2  # before the second try; three times as long before each further one
_PACKAGES = {"gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "abfss": "adlfs", "az": "adlfs"}  # not in an extra of ours
_AZURE = ("abfs", "abfss", "az")
# Of one request. Without it, an address that swallows everything would be waited for for a quarter of an hour.
_S3_OPTIONS = {"config_kwargs": {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 1}}}


class Store:
    """The objects under an address, by their names below it.

    Args:
      address: any that fsspec knows. Who one is comes from the environment, never from the address.

    Attributes:
      address: without a slash at its end; to be shown and written down.

    Raises:
      UserError: no such kind of store, or what it needs is not installed.
    """

    @installed("s3")
    def __init__(self, address: str) -> None:
        import fsspec

        kind, _, rest = address.partition("://")
        # Azure's usual addresses begin with container@account, which is no secret.
        before, at, after = rest.partition("@")
        named = after if at and kind in _AZURE and ":" not in before else rest
        if "@" in named or "?" in rest:
            raise UserError(
                f"{kind}://...: leave user, password and what follows a question mark out of the address; they come "
                "from the environment, such as AWS_ACCESS_KEY_ID, or from the store's own files"
            )
        self.address = address.rstrip("/")
        self._is_web = kind in ("http", "https")
        options: dict[str, Any] = _S3_OPTIONS if kind in ("s3", "s3a") else {}
        try:
            self._files, self._root = fsspec.url_to_fs(self.address, **options)
        except (ImportError, ValueError) as error:
            if isinstance(error, ValueError) and kind not in _PACKAGES:
                raise UserError(f"{self.address}: expected an address such as s3://bucket/name: {error}") from None
            cause = error.__cause__
            advice = advice_on(cause) if isinstance(cause, ModuleNotFoundError) else None
            package = _PACKAGES.get(kind)
            raise UserError(
                advice
                or f"{self.address}: this needs {package or 'another package'}, which is not installed"
                + (f": pip install {package}" if package else f"; {error}")
            ) from None

    def read(self, name: str, max_bytes: int = MAX_JSON_BYTES) -> bytes:
        """Returns the bytes of an object.

        Raises:
          FileNotFoundError: there is none of that name.
          UserError: it cannot be read, or is larger than `max_bytes`.
        """

        def get() -> bytes:
            if (size := self._size(name)) > max_bytes:
                raise UserError(f"{self.address}/{name}: has {size} bytes; expected at most {max_bytes}")
            return self._block(name, 0, size)

        return self._tried(name, "read", get)

    def blocks(self, name: str, expected: int | None = None) -> Iterator[bytes]:
        """Yields the bytes of an object in blocks, so that it need not fit in memory; each is asked for by itself.

        Args:
          name: of the object.
          expected: how many bytes it has; None for as many as the store says.

        Raises:
          FileNotFoundError: there is none of that name.
          UserError: it cannot be read, has another size, or is larger than MAX_SHARD_BYTES.
        """

        def sized() -> int:
            size = self._size(name)
            if expected is not None and size != expected:
                raise OSError(f"expected {expected} bytes, the store has {size}")
            return size

        size = self._tried(name, "read", sized)
        if size > MAX_SHARD_BYTES:
            raise UserError(
                f"{self.address}/{name}: has {size} bytes; expected at most {MAX_SHARD_BYTES}; if you trust it, copy "
                "the dataset into a folder and name that, or make it again with a smaller output.shard_samples"
            )
        for start in range(0, size, _BLOCK_BYTES):
            yield self._tried(name, "read", partial(self._block, name, start, min(start + _BLOCK_BYTES, size)))

    def write(self, name: str, data: bytes) -> None:
        """Puts an object in place of what has that name, or raises UserError."""

        def put() -> None:
            self._files.pipe_file(self._path(name), data)
            if (size := self._size(name)) != len(data):
                raise OSError(f"{len(data)} bytes were sent, the store has {size}")

        self._tried(name, "written", put)

    def create(self, name: str, data: bytes) -> bool:
        """Puts an object where there is none of that name; returns False, and changes nothing, where there is one."""
        try:
            self._tried(name, "written", lambda: self._files.pipe_file(self._path(name), data, mode="create"))
        except FileExistsError:
            return False
        return True

    def sizes(self) -> dict[str, int]:
        """Returns {name: bytes} of all objects, as the store lists them now."""

        def find() -> dict[str, int]:
            self._files.invalidate_cache()  # fsspec keeps listings, and this one decides what is there
            found = self._files.find(self._root, detail=True)
            prefix = f"{self._root}/"
            return {
                path.removeprefix(prefix): about["size"] for path, about in found.items() if path.startswith(prefix)
            }

        try:
            return self._tried("", "listed", find)
        except FileNotFoundError:
            return {}

    def copy(self, old: str, new: str) -> None:
        """Copies an object within the store."""
        self._tried(new, "written", lambda: self._files.cp_file(self._path(old), self._path(new)))

    def delete(self, names: Iterable[str]) -> None:
        """Deletes objects; one that is not there any more is none to delete."""
        for name in names:
            with suppress(FileNotFoundError):
                self._tried(name, "deleted", partial(self._files.rm_file, self._path(name)))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _size(self, name: str) -> int:
        self._files.invalidate_cache()  # or s3fs answers from a listing
        size = self._files.info(self._path(name))["size"]
        if size is None:  # a web server need not
            raise OSError("the store does not say how many bytes it has")
        return int(size)

    def _block(self, name: str, start: int, stop: int) -> bytes:
        """Returns the bytes from `start` to `stop`, which is not beyond the end of the object."""
        if start == stop:
            return b""  # of an empty object there is no range to ask for
        path = self._path(name)
        data = self._stream(path, start, stop) if self._is_web else self._files.cat_file(path, start=start, end=stop)
        if len(data) != stop - start:
            raise OSError(f"expected {stop - start} bytes, {len(data)} came")
        return data

    def _stream(self, path: str, start: int, stop: int) -> bytes:
        """Returns what a web server sends for a range, up to its size: a stranger's may send without an end."""
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        left, parts = stop - start, []
        with self._files.open(path, block_size=0, size=stop, headers=headers) as stream:
            while left and (part := stream.read(left)):
                parts.append(part)
                left -= len(part)
        return b"".join(parts)

    def _tried(self, name: str, done: str, call: Callable[[], T]) -> T:
        """Returns what a call to the store returns; tries again where another try may help.

        Raises:
          FileNotFoundError: there is no such object; where one is written, there is no bucket, which is a UserError.
          FileExistsError: as the call does.
          UserError: anything else went wrong.
        """
        where = f"{self.address}/{name}".rstrip("/")
        for number in range(TRIES):
            try:
                return call()
            except FileNotFoundError as error:
                if done != "written":
                    raise
                told = f"{_in_a_line(error)}; make the bucket first, and run the same command again"
                raise UserError(f"{where}: cannot be written: {told}") from None
            except (FileExistsError, MemoryError, UserError):
                raise
            except PermissionError as error:
                told = f"no right to do so ({_in_a_line(error)}); check who you are to the store, and what you may"
                raise UserError(f"{where}: cannot be {done}: {told}") from None
            except Exception as error:  # each library behind fsspec has exceptions of its own
                if number == TRIES - 1:
                    raise UserError(
                        f"{where}: cannot be {done}: {_in_a_line(error)}; the same command goes on from here"
                    ) from error
                time.sleep(_PAUSE_S * 3**number)
        raise AssertionError("the last try returns or raises")


def is_address(place: object) -> bool:
    """Returns whether a dataset's place is an address in a store, and not a folder."""
    return isinstance(place, str) and "://" in place


def read_stored_manifest(store: Store) -> Manifest:
    """Returns the manifest of the dataset in a store.

    Raises:
      UserError: there is no (finished) dataset, or its manifest cannot be trusted.
    """
    manifest = find_stored_manifest(store)
    if manifest is None:
        if any(name.startswith(f"{WORK_DIR}/") for name in store.sizes()):
            raise UserError(f"{store.address}: is half-finished; run the command that made it again to go on")
        raise UserError(f"{store.address}: is no dataset: it has no {FILE_NAME}")
    return manifest


def find_stored_manifest(store: Store) -> Manifest | None:
    """Returns the manifest of the dataset in a store, or None; raises UserError if it cannot be trusted."""
    where = f"{store.address}/{FILE_NAME}"
    try:
        return manifest_of(parse_json(store.read(FILE_NAME)), where)
    except FileNotFoundError:
        return None
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{where}: cannot be read: {error}") from None


def write_stored_manifest(store: Store, manifest: Manifest) -> None:
    """Puts the manifest: it comes last, because a place that has one is a finished dataset."""
    store.write(FILE_NAME, manifest_text(manifest).encode())


def _in_a_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}".rstrip(": ")
