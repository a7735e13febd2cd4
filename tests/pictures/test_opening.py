"""Pictures as they come from cameras, scanners and editors, each against the same line drawn plainly."""

import os
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ocrlib.errors import UserError
from ocrlib.pictures.opening import (
    ENDINGS,
    UNREADABLE_ENDINGS,
    cut_line_image,
    list_pictures,
    list_unreadable,
    read_line_image,
    read_pages,
)
from tests.training_fixtures import draw_line

HEIGHT = 32
LINE = draw_line("20471")  # (32, W, 1 channel dropped) uint8, black on white


def saved(folder: Path, picture: Image.Image, name: str = "line.png", **settings: object) -> Path:
    """Saves a picture and returns where."""
    picture.save(folder / name, **settings)  # type: ignore[arg-type]
    return folder / name


def read(path: Path, channels: int = 1) -> np.ndarray:
    """The picture in int16, so that differences do not wrap; one channel is dropped."""
    image = read_line_image(path, HEIGHT, channels)
    assert image.dtype == np.uint8
    assert (image.shape[0], image.shape[2]) == (HEIGHT, channels)
    return image.astype(np.int16)[:, :, 0] if channels == 1 else image.astype(np.int16)


def as_read(pixels: np.ndarray, channels: int = 1) -> np.ndarray:
    """What `read` must return for a picture of these pixels, however it is stored."""
    image = cut_line_image(Image.fromarray(pixels.astype(np.uint8)), HEIGHT, channels).astype(np.int16)
    return image[:, :, 0] if channels == 1 else image


def with_alpha(mode: str) -> Image.Image:
    """The line as black ink of varying opacity over transparent black, as editors export text."""
    alpha = Image.fromarray(255 - LINE)
    if mode == "LA":
        return Image.merge("LA", (Image.new("L", alpha.size, 0), alpha))
    return Image.merge("RGBA", (*(Image.new("L", alpha.size, 0) for _ in range(3)), alpha))


def palette_with_transparency() -> Image.Image:
    """Index 0 is transparent black, index 1 opaque black."""
    picture = Image.fromarray((LINE < 128).astype(np.uint8), "P")
    picture.putpalette([0, 0, 0, 0, 0, 0])
    picture.info["transparency"] = 0
    return picture


def sixteen_bits() -> Image.Image:
    """White is 65535."""
    return Image.fromarray(LINE.astype(np.uint16) * 257)


def twelve_bits() -> Image.Image:
    """White is 4095, as cameras for machines write it."""
    return Image.fromarray(((LINE.astype(np.int32) * 4095 + 254) // 255).astype(np.uint16))


BLACK_OR_WHITE = np.where(LINE < 128, 0, 255)

PLAIN = {
    "gray": ("line.png", Image.fromarray(LINE), LINE),
    "colour": ("line.png", Image.fromarray(LINE).convert("RGB"), LINE),
    "palette": ("line.gif", Image.fromarray(LINE).convert("P"), LINE),
    "palette with transparency": ("line.png", palette_with_transparency(), BLACK_OR_WHITE),
    "gray with alpha": ("line.png", with_alpha("LA"), LINE),
    "colour with alpha": ("line.png", with_alpha("RGBA"), LINE),
    "colour with alpha, TIFF": ("line.tif", with_alpha("RGBA"), LINE),
    "16 bits, PNG": ("line.png", sixteen_bits(), LINE),
    "16 bits, TIFF": ("line.tif", sixteen_bits(), LINE),
    "32 bits, TIFF": ("line.tif", Image.fromarray(LINE.astype(np.int32) * 257), LINE),
    "float, 0 to 255": ("line.tif", Image.fromarray(LINE.astype(np.float32)), LINE),
    "float, 0 to 1": ("line.tif", Image.fromarray(LINE.astype(np.float32) / 255), LINE),
    "1 bit": ("line.png", Image.fromarray(LINE).convert("1", dither=Image.Dither.NONE), BLACK_OR_WHITE),
    "CMYK": ("line.tif", Image.fromarray(LINE).convert("RGB").convert("CMYK"), LINE),
    "BMP": ("line.bmp", Image.fromarray(LINE), LINE),
    "PGM": ("line.pgm", Image.fromarray(LINE), LINE),
    "12 bits in 16, TIFF": ("line.tif", twelve_bits(), LINE),
    "12 bits in 16, PNG": ("line.png", twelve_bits(), LINE),
    "16 bits, PGM": ("line.pgm", sixteen_bits(), LINE),
    "WebP": ("line.webp", Image.fromarray(LINE).convert("RGB"), LINE),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_every_kind_of_picture_reads_as_the_same_line(kind: str, tmp_path: Path) -> None:
    name, picture, expected = PLAIN[kind]
    settings = {"lossless": True} if name.endswith("webp") else {}
    path = saved(tmp_path, picture, name, **settings)
    for channels in (1, 3):
        image = read(path, channels)
        difference = np.abs(image - as_read(expected, channels))
        assert difference.max() <= 1, kind


def test_colours_stay_for_a_network_that_reads_colours(tmp_path: Path) -> None:
    red = draw_line("20471", channels=3)
    path = saved(tmp_path, Image.fromarray(red))
    colours = read(path, 3)
    assert np.array_equal(colours, as_read(red, 3))
    assert (colours[:, :, 0] > colours[:, :, 1] + 100).any()
    luma = np.where(colours.min(axis=2) == 255, 255, colours @ [0.299, 0.587, 0.114])  # ITU-R 601
    assert np.abs(read(path, 1) - luma).mean() < 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_reads_as_the_upright_one(orientation: int, tmp_path: Path) -> None:
    turns = {  # how the pixels lie in the file when the EXIF tag says how to hold it
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    picture = Image.fromarray(LINE)
    for turn in turns[orientation]:
        picture = picture.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read(saved(tmp_path, picture, exif=exif)), as_read(LINE))


@pytest.mark.parametrize("ending", ["png", "webp"])
def test_a_photograph_that_says_so_elsewhere_reads_as_the_upright_one(ending: str, tmp_path: Path) -> None:
    """In XMP."""
    picture = Image.fromarray(LINE).transpose(Image.Transpose.ROTATE_90)
    said = '<rdf:Description tiff:Orientation="6"/>'
    settings: dict[str, Any] = {"xmp": said.encode(), "lossless": True}
    if ending == "png":
        settings = {"pnginfo": PngInfo()}
        settings["pnginfo"].add_itxt("XML:com.adobe.xmp", said)
    assert np.array_equal(read(saved(tmp_path, picture, f"line.{ending}", **settings)), as_read(LINE))


@pytest.mark.parametrize(
    ("size", "width"),
    [
        ((100, 32), 100),
        ((100, 64), 50),
        ((103, 64), 52),
        ((100, 16), 200),
        ((3000, 10), 9600),
        ((1, 500), 1),
        ((1, 1), 32),
    ],
)
def test_height_is_scaled_and_proportions_are_kept(size: tuple[int, int], width: int, tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("L", size, 200))
    image = read(path)
    assert image.shape == (HEIGHT, width)
    assert (image == 200).all()


def test_a_picture_twice_the_size_reads_nearly_the_same(tmp_path: Path) -> None:
    loose = np.pad(LINE, 24, constant_values=255)
    large = Image.fromarray(loose.repeat(2, axis=0).repeat(2, axis=1))
    image = read(saved(tmp_path, large))
    expected = as_read(loose)
    scaled = Image.fromarray(image.astype(np.uint8)).resize(expected.shape[::-1], Image.Resampling.LANCZOS)
    assert abs(image.shape[1] - expected.shape[1]) <= 4
    # Margins are whole pixels of each picture, so that the two may differ by a pixel in scale.
    assert np.corrcoef(np.asarray(scaled).ravel(), expected.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("name", ["line.png", "line.jpg", "line.tif", "line.gif"])
def test_a_truncated_file_is_an_error_of_one_line(name: str, share: float, tmp_path: Path) -> None:
    noise = np.random.RandomState(0).randint(0, 256, (64, 200), np.uint8)
    path = saved(tmp_path, Image.fromarray(noise), name)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UserError) as raised:
        read_line_image(path, HEIGHT, 1)
    message = str(raised.value)
    assert message.startswith(f"{path}: cannot be read as a picture: ")
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"", b"not a picture\n", b"\x89PNG\r\n\x1a\n", b"\x00" * 100])
def test_a_file_that_is_no_picture_is_an_error_that_names_it(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "line.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"line\.png: cannot be read as a picture"):
        read_line_image(path, HEIGHT, 1)


@pytest.mark.parametrize("error", [RuntimeError("Failed to decode frame 0"), AssertionError(), AttributeError("a")])
def test_what_a_library_of_pillows_raises_is_an_error_of_one_line(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged AVIF is a RuntimeError, and ended the reading of all other pictures."""

    def fail(picture: Image.Image) -> None:
        raise error

    path = saved(tmp_path, Image.fromarray(LINE))
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail)
    (got,) = [page for _, page in read_pages(path)]
    assert isinstance(got, UserError)
    assert str(got) == f"{path}: cannot be read as a picture: {str(error) or type(error).__name__}"


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_a_name_that_no_file_can_have_is_an_error_of_one_line(name: str) -> None:
    with pytest.raises(UserError, match="cannot be read as a picture"):
        read_line_image(Path(name), 32, 1)


def test_pictures_are_listed_by_name_below_their_folder(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "c/d.tiff", "notes.txt", "a.gt.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    single = tmp_path / "notes.txt"  # named outright, so it is taken whatever its ending
    found = list_pictures([tmp_path, single])
    assert found == [
        ("a.jpg", tmp_path / "a.jpg"),
        ("b.PNG", tmp_path / "b.PNG"),
        ("c/d.tiff", tmp_path / "c" / "d.tiff"),
        ("notes.txt", single),
    ]


def test_what_may_be_a_picture_and_is_not_read_is_named(tmp_path: Path) -> None:
    for name in ("a.png", "deep/b.HEIC", "c.pdf", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    names = ["c.pdf", "deep/b.HEIC", "loop"]
    assert list_unreadable([tmp_path, tmp_path / "a.png"]) == [str(tmp_path / name) for name in names]


def test_a_folder_without_pictures_and_a_path_that_is_not_there_are_errors(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(UserError, match="the folder has no pictures"):
        list_pictures([tmp_path])
    with pytest.raises(UserError, match="absent: no such file or folder"):
        list_pictures([tmp_path / "absent"])


def test_the_endings_are_all_that_pillow_reads_by_itself():
    """Those it hands to another program, or can only name, are left out one by one: a new one has to be looked at."""
    Image.init()
    not_ours = {"BUFR", "EPS", "GBR", "GRIB", "HDF5", "IPTC", "MPEG", "PALM", "PDF", "WMF"}
    known = {ending for ending, kind in Image.registered_extensions().items() if kind not in not_ours}
    assert set(ENDINGS) == known
    assert not set(ENDINGS) & set(UNREADABLE_ENDINGS)


def test_a_file_for_ghostscript_is_not_opened_whatever_it_is_called(tmp_path):
    (tmp_path / "line.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    with pytest.raises(UserError, match="line.png: cannot be read as a picture"):
        read_line_image(tmp_path / "line.png", HEIGHT, 1)


# Pages


def pages_of(path: Path) -> list[tuple[str, np.ndarray]]:
    """(what is added to the name, the line of each page), all of them whole."""
    found = []
    for added, picture in read_pages(path):
        assert isinstance(picture, Image.Image)
        found.append((added, cut_line_image(picture, HEIGHT, 1)[:, :, 0]))
    return found


@pytest.mark.parametrize("name", ["pages.tif", "pages.gif", "pages.png", "pages.webp"])
def test_every_page_of_a_file_is_a_picture(name: str, tmp_path: Path) -> None:
    lines = [draw_line(text) for text in ("12345", "67890", "11111")]
    width = max(line.shape[1] for line in lines)
    first, *others = [
        Image.fromarray(np.pad(line, ((0, 0), (0, width - line.shape[1])), constant_values=255)) for line in lines
    ]
    settings = {"lossless": True} if name.endswith("webp") else {}
    first.save(tmp_path / name, save_all=True, append_images=others, **settings)
    found = pages_of(tmp_path / name)
    assert [added for added, _ in found] == ["", "#2", "#3"]
    for (_, image), line in zip(found, lines, strict=True):
        assert np.abs(image - as_read(line)).mean() < 2


def test_a_smaller_copy_of_a_page_is_not_one_more(tmp_path: Path) -> None:
    small = Image.fromarray(LINE).resize((20, 8))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    Image.fromarray(LINE).save(tmp_path / "scan.tif", save_all=True, append_images=[small, Image.fromarray(LINE)])
    with Image.open(tmp_path / "scan.tif") as opened:
        assert opened.n_frames == 3  # type: ignore[attr-defined]
    assert [added for added, _ in pages_of(tmp_path / "scan.tif")] == ["", "#3"]


def test_pages_before_a_damaged_one_are_read(tmp_path: Path) -> None:
    noise = np.random.RandomState(0).randint(0, 256, (3, 64, 200), np.uint8)
    first, *others = map(Image.fromarray, noise)
    warnings.simplefilter("ignore", UserWarning)  # Pillow's, about the damage
    first.save(tmp_path / "pages.tif", save_all=True, append_images=others)
    whole = (tmp_path / "pages.tif").read_bytes()
    (tmp_path / "pages.tif").write_bytes(whole[: len(whole) * 2 // 5])
    found = list(read_pages(tmp_path / "pages.tif"))
    assert isinstance(found[0][1], Image.Image)
    assert len(found) > 1
    for _, picture in found[1:]:
        assert isinstance(picture, UserError)
        assert str(picture).startswith(f"{tmp_path / 'pages.tif'}")


# Pictures that are meant to harm


def bomb(path: Path, width: int, height: int, kind: int = 0) -> Path:
    """A PNG of so many white pixels, in some hundred bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    packed = zlib.compress(b"\0" * 1000, 9)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize(
    ("width", "height", "complaint"),
    [
        (100_000, 1, "is 100000 x 1 pixels, too far from the shape of a line of text"),
        (1, 100_000, "is 1 x 100000 pixels, too far from the shape of a line of text"),
        (10_000_000, 1, "is 10000000 x 1 pixels, too far from the shape of a line of text"),
        (60_000, 40, "at the height of 32 it would be .* wide; expected 16384 at most"),
        (9_400, 9_400, "is 9400 x 9400 pixels; expected 50 million pixels at most"),
        (2**31 - 1, 2**31 - 1, "pixels"),
    ],
)
def test_a_picture_of_absurd_size_is_one_line(tmp_path: Path, width: int, height: int, complaint: str) -> None:
    path = tmp_path / "a.png"
    if width * height <= 10**7:
        Image.new("L", (width, height), 0).save(path)
    else:
        bomb(path, width, height)
    with pytest.raises(UserError, match=complaint) as caught:
        read_line_image(path, 32, 1)
    assert str(caught.value).startswith(f"{path}: ")


def test_the_pages_of_a_file_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocrlib.pictures.opening.MAX_PAGES", 3)
    frames = [Image.new("L", (40, 40), value) for value in range(0, 250, 50)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    pages = list(read_pages(tmp_path / "a.tif"))
    assert [added for added, _ in pages] == ["", "#2", "#3", "#4"]
    assert str(pages[-1][1]).endswith("has more than 3 pages; the rest is not read")


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path("/dev/zero")
    with pytest.raises(UserError, match="is a folder, a pipe or a device"):
        read_line_image(path, 32, 1)


def test_a_page_of_print_for_another_program_is_not_opened(tmp_path: Path) -> None:
    """Pillow would start Ghostscript on it, whatever it is called."""
    (tmp_path / "x.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(UserError, match="not a picture"):
        read_line_image(tmp_path / "x.png", 32, 1)
