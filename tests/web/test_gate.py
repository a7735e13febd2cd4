"""Nobody else gets in: each attack on a desk that is really served."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from ocrlib.web.desk import Desk
from ocrlib.web.gate import MAX_BODY_BYTES
from ocrlib.web.review import review_app
from tests.training_fixtures import draw_line
from tests.web.labelling import DeskReader, ask, draw_folder, request, served

TEXTS = ["12", "345"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two lines, a picture outside that a link leads to, and a secret."""
    place = tmp_path_factory.mktemp("gate")
    folder = draw_folder(place / "lines", TEXTS)
    (place / "secret.txt").write_text("secret")
    Image.fromarray(draw_line("99")).save(place / "outside.png")
    (folder / "zz.png").symlink_to(place / "outside.png")
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Of the desk."""
    desk = Desk(DeskReader([*TEXTS, "99"], {}), folder, model="numeric")  # type: ignore[arg-type]
    desk.start()
    with served(review_app(desk, "<b>lines</b>")) as address:
        yield address


def test_our_own_page_gets_in(address: str) -> None:
    status, headers, body = request(address)
    assert status == 200
    assert b"&lt;b&gt;lines&lt;/b&gt;" in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers
    assert ask(address, "next")[0] == 200


def test_only_this_machine_is_listened_to(address: str) -> None:
    port = urlsplit(address).port
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port]
    assert listening == [f"0100007F:{port:04X}"]
    with open("/proc/net/tcp6") as file:
        assert f":{port:04X} 0000" not in file.read()


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:PORT", "evil.example:PORT", None, ""]
)
def test_another_host_is_refused_as_after_dns_rebinding(address: str, host: str | None) -> None:
    if host is not None:
        host = host.replace("PORT", str(urlsplit(address).port))
    assert request(address, host=host)[0] in (400, 403)


@pytest.mark.parametrize("path", ["/", "/x/", "/static/review.js", "/ask/next", "//", "/TOKEN", "/TOKENx/", "/token/"])
def test_without_the_token_there_is_nothing(address: str, path: str) -> None:
    token = urlsplit(address).path.strip("/")
    status, _, body = request(address, path.replace("TOKEN", token))
    assert status == 403
    assert token.encode() not in body


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:PORT", "http://127.0.0.1:1", "http://127.0.0.1", None]
)
def test_a_foreign_page_cannot_post(address: str, folder: Path, origin: str | None) -> None:
    port = str(urlsplit(address).port)
    answer = {"number": 0, "kind": "text", "text": "forged", "version": "", "tab": "x"}
    origin = origin and origin.replace("PORT", port)
    status, _, _ = request(address, "ask/answer", method="POST", body=answer, origin=origin)
    assert status == 403
    assert not (folder / "00.gt.txt").exists()


def test_a_foreign_page_cannot_show_our_pictures(address: str) -> None:
    assert request(address, "picture/0", sec_fetch_site="cross-site")[0] == 403
    assert request(address, "picture/0", sec_fetch_site="same-site")[0] == 403
    assert request(address, "picture/0", sec_fetch_site="same-origin")[0] == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_no_form_and_no_upload_is_taken(address: str, kind: str) -> None:
    assert request(address, "ask/next", method="POST", body=b"tab=x", content_type=kind)[0] == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_no_other_method_is_taken(address: str, method: str) -> None:
    assert request(address, method=method, origin=None)[0] == 405


def test_a_body_without_a_length_or_too_long_is_refused(address: str) -> None:
    assert request(address, "ask/next", method="POST", body=b"{}", content_length=None)[0] == 411
    length = str(MAX_BODY_BYTES + 1)
    assert request(address, "ask/next", method="POST", body=b"{}", content_length=length)[0] == 413


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"number": 1e999}'])
def test_a_body_that_our_page_does_not_send_is_refused(address: str, body: bytes) -> None:
    assert request(address, "ask/line", method="POST", body=body)[0] == 400


@pytest.mark.parametrize("number", [-1, 3, 10**30, 0.0, True, "0", None, [0]])
def test_a_number_of_no_line_is_refused(address: str, number: object) -> None:
    assert ask(address, "line", number=number)[0] == 400


@pytest.mark.parametrize(
    "path",
    [
        "static/../../../secret.txt",
        "static/..%2f..%2fsecret.txt",
        "static/%2e%2e/%2e%2e/secret.txt",
        "static/..%252f..%252fsecret.txt",
        "static/%2fetc%2fpasswd",
        "static//etc/passwd",
        "static/review.js%00.css",
        "picture/../../secret.txt",
        "picture/..%2f..%2fsecret.txt",
        "picture/-1",
        "picture/0%00",
        "picture/99",
        "picture/00.png",
        "ask/__class__",
    ],
)
def test_no_path_leads_out_of_the_folder(address: str, path: str) -> None:
    status, _, body = request(address, path)
    assert status in (404, 405)
    assert b"secret" not in body


def test_a_link_that_leads_out_of_the_folder_is_not_opened(address: str, folder: Path) -> None:
    assert os.path.exists(folder / "zz.png")
    status, _, body = request(address, "picture/2")
    assert status == 404
    assert b"link out of the folder" in body
    assert "link out of the folder" in ask(address, "line", number=2)[1]["line"]["trouble"]


def test_a_web_socket_is_closed(address: str) -> None:
    headers = {"upgrade": "websocket", "connection": "Upgrade", "sec_websocket_version": "13", "sec_websocket_key": "x"}
    assert request(address, **headers)[0] != 101  # type: ignore[arg-type]
