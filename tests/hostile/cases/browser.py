"""What comes from a browser: addresses that `browse` is asked for, and requests to the labelling desk of `review`."""

import json
from pathlib import Path

from tests.hostile.case import READ, REFUSED, Case
from tests.hostile.cases.datasets import HDF5, TFRECORD, copied
from tests.hostile.material import Material

REQUESTS = ("next", "line", "before", "later", "remarks", "answer", "undo")
_HOSTILE = {
    "nothing": "",
    "NUL": "%00",
    "escapes": "%1b%5b2J",
    "a script": "%3Cscript%3Ealert(1)%3C/script%3E",
    "a path": "..%2f..%2fetc%2fpasswd",
    "not UTF-8": "%ff%fe",
    "half a surrogate": "%ed%a0%80",
    "-1": "-1",
    "NaN": "nan",
    "1e999": "1e999",
    "other digits": "%c2%b2%d9%a1",
    "20 digits": "9" * 20,
    "5,000 digits": "9" * 5000,
    "50,000 characters": "a" * 50_000,
}
_FIELDS = ("split", "font", "text", "degradation", "shortest", "longest", "misread", "below", "start", "other")
_ADDRESSES = {
    how: [
        *(f"/?{name}={text}" for name in _FIELDS),
        f"/line/{text}/0",
        f"/line/test/{text}",
        f"/picture/{text}/0",
        f"/picture/test/{text}",
        f"/static/{text}",
        f"/{text}",
    ]
    for how, text in _HOSTILE.items()
}


def _browse(how: str, addresses: list[str], *broken: str) -> Case:
    """A dataset that is looked at; of its files the `broken` ones are cut."""

    def make(folder: Path, material: Material) -> list[str]:
        dataset = copied(folder, material)
        for name in broken:
            (dataset / name).write_bytes((dataset / name).read_bytes()[:-200])
        (folder / "asked.json").write_text(json.dumps(addresses))
        return ["browse", "d", "asked.json"]

    return Case(kind="browse", how=how, make=make, codes=(READ,) if not broken else (READ, REFUSED))


def _desk(how: str, body: str, *paths: str) -> Case:
    """Pictures that are labelled; the body goes to each request that our own page knows, or to those given."""
    known = paths or tuple(f"/ask/{what}" for what in REQUESTS)

    def make(folder: Path, material: Material) -> list[str]:
        (folder / "lines").mkdir()
        for name in ("1", "2"):
            (folder / "lines" / f"{name}.png").write_bytes(material.picture.read_bytes())
        (folder / "lines" / "2.gt.txt").symlink_to(material.secret)
        (folder / "asked.json").write_text(json.dumps([[path, body] for path in known]))
        return ["desk", "lines", "asked.json", str(material.onnx)]

    return Case(kind="review", how=how, make=make, codes=(READ,))


_VALUES = (
    *(
        "null",
        "true",
        "-1",
        "0.5",
        "99999999999",
        "9" * 4000,
        "NaN",
        "1e999",
        '""',
        '"\\u0000"',
        '"\\ud800"',
        "[]",
        "{}",
    ),
    *('"../../etc/passwd"', '"\\u001b[2J"', '"' + "a" * 70_000 + '"'),
)
_SOUND = {"tab": '"a"', "number": "0", "kind": '"text"', "text": '"12"', "version": '""', "anyway": "true"}


def _with(key: str, value: str) -> str:
    return "{" + ", ".join(f'"{name}": {text}' for name, text in {**_SOUND, key: value}.items()) + "}"


SOUND_REQUEST = _with("tab", '"a"')
CASES = [
    *(_browse(how, addresses) for how, addresses in _ADDRESSES.items()),
    _browse("no UTF-8, beside a page", ["/line/test/1/?\udcfd", "/static/page.css/?\udcfd", "?\udcfd", "/?\udcfd"]),
    _browse("a damaged dataset", ["/", "/?text=1", "/line/test/0", "/picture/test/0"], TFRECORD, HDF5),
    *(_desk(f"{key} = {value[:20]}", _with(key, value)) for key in _SOUND for value in _VALUES),
    *(
        _desk(f"a body: {body[:20]!r}", body)
        for body in ("", "{", "[]", "7", "null", "[" * 100_000, "9" * 5000, '{"tab": ' * 3000, "\udcff\udcfe", "{}")
    ),
    *(
        _desk(f"an address: {path[:30]!r}", _with("tab", '"a"'), path)
        for path in ("/ask/", "/ask/../answer", "/ask/\x1b[2J", "/ask/" + "a" * 5000, "/ask/__init__", "/answer")
    ),
]
