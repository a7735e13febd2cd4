"""Object stores to test with: S3 as moto serves it on 127.0.0.1, with faults on demand, and datasets in it."""

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SECRET = "open-sesame-4711"
_STORED = (".tfrecord", ".h5", "manifest.json")


class Faults:
    """A WSGI application around moto's that spoils some of the answers.

    Attributes:
      requests: (method, path) of all, in order.
      spoil: request -> what is to go wrong with it: a status such as 503 or 403, `cut` the connection within the
        answer's body, or `cut first`, before the request is heard; None for nothing.
    """

    def __init__(self, application: Callable[..., Any]) -> None:
        self._application = application
        self.requests: list[tuple[str, str]] = []
        self.spoil: Callable[[str, str], int | str | None] = lambda method, path: None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append((method, path))
        fault = self.spoil(method, path)
        if isinstance(fault, int):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            code = {403: "AccessDenied", 503: "SlowDown"}[fault]
            body = f"<Error><Code>{code}</Code><Message>spoilt</Message></Error>".encode()
            start_response(f"{fault} spoilt", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
            return [b"" if method == "HEAD" else body]
        if fault == "cut first":
            raise _cut(environ)
        answer = self._application(environ, start_response)
        return self._half(environ, answer) if fault == "cut" else answer

    def _half(self, environ: dict[str, Any], answer: Any) -> Iterator[bytes]:
        body = b"".join(answer)
        yield body[: len(body) // 2]
        raise _cut(environ)

    def gets(self, ending: str = "") -> list[str]:
        """Names of the objects that were read, of those that end so."""
        return [Path(path).name for method, path in self.requests if method == "GET" and path.endswith(ending)]


def _cut(environ: dict[str, Any]) -> ConnectionAbortedError:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    return ConnectionAbortedError("the test cuts this connection")


@contextmanager
def s3_server() -> Iterator[Faults]:
    """Runs an S3 server with a bucket called `bucket`, which s3fs finds by the environment."""
    import logging

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    faults = Faults(DomainDispatcherApplication(create_backend_app))
    server._server.app = faults
    given = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        import boto3

        boto3.client("s3").create_bucket(Bucket="bucket")
        yield faults
    finally:
        server.stop()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def put(folder: Path, address: str) -> None:
    """Puts a dataset into a store as it lies in a folder, without ocrlib."""
    import fsspec

    files, root = fsspec.url_to_fs(address)
    for path in folder.iterdir():
        if path.name.endswith(_STORED):
            files.pipe_file(f"{root}/{path.name}", path.read_bytes())


def names_in(address: str) -> set[str]:
    """The names of the objects that are there now, without ocrlib."""
    import fsspec

    files, root = fsspec.url_to_fs(address)
    files.invalidate_cache()
    return {re.sub(rf"^{re.escape(root)}/", "", path) for path in files.find(root)}
