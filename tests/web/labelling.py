"""Folders of drawn lines, a reader with prepared answers for them, and a server in a thread."""

import http.client
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from ocrlib.charset import Charset
from ocrlib.reading.recognizer import Reading
from ocrlib.web.serve import listen, make_server
from tests.evaluation.scripted import ScriptedReader
from tests.programs import wait_for
from tests.training_fixtures import draw_line


class DeskReader(ScriptedReader):
    """A scripted reader that is unsure of the first character that it reads wrong."""

    charset = Charset("0123456789.,-")

    def __init__(self, truths: Sequence[str], script: Mapping[str, tuple[str, float]]) -> None:
        super().__init__(truths, script)
        self._truth_of = {text: truth for truth, (text, _) in script.items()}

    def read_lines(self, images: Sequence[np.ndarray]) -> list[Reading]:  # type: ignore[override]
        return [
            Reading(text=said.text, confidence=said.confidence, characters=self._characters(said.text))
            for said in super().read_lines(images)
        ]

    def _characters(self, text: str) -> tuple[float, ...]:
        truth = self._truth_of.get(text, text)
        wrong = next((i for i, (a, b) in enumerate(zip(text, truth, strict=False)) if a != b), None)
        return tuple(0.4 if i == wrong else 0.99 for i in range(len(text)))


def draw_folder(folder: Path, texts: Sequence[str]) -> Path:
    """A folder with a picture for each text: 00.png, 01.png, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts):
        Image.fromarray(draw_line(text)).save(folder / f"{number:02d}.png")
    return folder


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serves an app behind its gate, in a thread, and yields the address."""
    with listen(0) as listening:
        server, address = make_server(app, listening)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            wait_for(lambda: server.started)
            yield address
        finally:
            server.should_exit = True
            thread.join()


def request(
    address: str, path: str = "", *, method: str = "GET", body: Any = None, **headers: str | None
) -> tuple[int, dict[str, str], bytes]:
    """Sends a request as our own page would, but for what is given; None leaves a header out.

    Args:
      address: of the page.
      path: below it; one that begins with a slash replaces the whole path, as it is.
      method, body: of the request; a body other than bytes is sent as JSON.
      headers: by name, with _ for -.
    """
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    sent: dict[str, str | None] = {"host": parts.netloc}
    if method == "POST":
        sent |= {"origin": f"http://{parts.netloc}", "content-type": "application/json"}
        sent["content-length"] = str(len(data or b""))
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.putrequest(method, path if path.startswith("/") else parts.path + path, skip_host=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(data)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def ask(address: str, what: str, **values: object) -> tuple[int, Any]:
    """Asks the desk, as our own page does, and returns the status and the values."""
    status, _, data = request(address, f"ask/{what}", method="POST", body={"tab": "a", **values})
    return status, json.loads(data)
