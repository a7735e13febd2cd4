"""Pictures as they come from cameras, scanners and editors, each against the same line drawn plainly."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrlib.errors import UserError
from ocrlib.pictures import ENDINGS, UNREADABLE_ENDINGS, list_pictures, read_line_image
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
        difference = np.abs(image - (expected if channels == 1 else expected[:, :, None]))
        assert difference.max() <= 1, kind


def test_colours_stay_for_a_network_that_reads_colours(tmp_path: Path) -> None:
    red = draw_line("20471", channels=3)
    path = saved(tmp_path, Image.fromarray(red))
    assert np.array_equal(read(path, 3), red)
    gray = read(path, 1)
    assert gray.min() == round(0.299 * 0xA0)  # ITU-R 601 luma


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
    assert np.array_equal(read(saved(tmp_path, picture, exif=exif)), LINE)


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
    large = Image.fromarray(LINE).resize((LINE.shape[1] * 2, HEIGHT * 2), Image.Resampling.BICUBIC)
    image = read(saved(tmp_path, large))
    assert image.shape == LINE.shape
    assert np.abs(image - LINE).mean() < 5


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
