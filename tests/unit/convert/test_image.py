import struct
import zlib

import pytest

from modelstream.convert import Image, TensorSpec
from modelstream.convert.image import ImageSize, image_size
from modelstream.convert.numbers import MisfitError
from modelstream.errors import ConversionError, OptionError, SignatureMismatchError

PICTURES = TensorSpec("float32", (None, 224, 224, 3), "x")


def png(width, height):
    """A PNG that states a size and has no pixels."""
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))


def jpeg(width, height, *, marker=0xC0, before=b""):
    """A JPEG that states a size and has no pixels."""
    frame = struct.pack(">BBHBHH", 0xFF, marker, 11, 8, height, width)
    return b"\xff\xd8" + before + frame + b"\x01\x11\0"


@pytest.mark.parametrize(
    ("content", "size"),
    [
        pytest.param(png(640, 480), ImageSize(480, 640), id="png"),
        pytest.param(jpeg(640, 480), ImageSize(480, 640), id="jpeg"),
        pytest.param(jpeg(1, 2, marker=0xC2), ImageSize(2, 1), id="progressive"),
        pytest.param(
            jpeg(1, 2, before=b"\xff\xe0\0\x06abcd\xff\xc4\0\x03a\xff\xff\xd0"),
            ImageSize(2, 1),
            id="after-other-segments",
        ),
    ],
)
def test_the_header_tells_the_size(content, size):
    assert image_size(content) == size


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "it is empty", id="nothing"),
        pytest.param(b"GIF89a", "looks like a GIF", id="gif"),
        pytest.param(b"<svg>", "looks like text or SVG", id="svg"),
        pytest.param(b"hello", "neither a JPEG nor a PNG: it begins with b'hello'", id="text"),
        pytest.param(png(1, 1)[:20], "cut off in its header", id="short-png"),
        pytest.param(jpeg(1, 1)[:6], "cut off before its frame", id="short-jpeg"),
        pytest.param(b"\xff\xd8\xff\xe0\0\4abc" + b"d" * 9, "begins no segment", id="bad-jpeg"),
    ],
)
def test_what_is_no_image_says_why(content, words):
    with pytest.raises(MisfitError, match=words):
        image_size(content)


@pytest.mark.parametrize("cut", range(1, 24))
def test_a_header_that_is_cut_off_anywhere_is_refused(cut):
    for content in (png(8, 8)[:cut], jpeg(8, 8)[: min(cut, 10)]):
        with pytest.raises(MisfitError):
            image_size(content)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param([None], "it is null", id="null"),
        pytest.param(["text"], "'text' is not bytes", id="text"),
        pytest.param([png(30_000, 30_000)], "30000 x 30000 pixels, more than", id="bomb"),
    ],
)
def test_a_bad_image_is_refused_before_anything_decodes_it(values, words):
    with pytest.raises(ConversionError, match=f"record 0 is not an image: .*{words}") as caught:
        Image("x").to_tensor(values, PICTURES)
    assert caught.value.index == 0


def test_no_images_are_an_empty_batch():
    assert Image("x").to_tensor([], PICTURES).shape == (0, 224, 224, 3)


@pytest.mark.parametrize(
    ("shape", "options", "expected"),
    [
        pytest.param((None, 224, 192, 3), {}, (224, 192, 3), id="of-the-tensor"),
        pytest.param((None, 28, 28, 1), {}, (28, 28, 1), id="grey"),
        pytest.param((None, 28, 30), {}, (28, 30, 1), id="grey-without-a-dimension-for-it"),
        pytest.param((None, None, None, 3), {}, (None, None, 3), id="each-its-own"),
        pytest.param((None, None, None, 3), {"size": (8, 9)}, (8, 9, 3), id="size"),
        pytest.param((None, None, None, None), {"channels": 1}, (None, None, 1), id="channels"),
        pytest.param(None, {"size": (8, 9)}, (8, 9, 3), id="unknown-rank"),
    ],
)
def test_the_shape_is_that_of_the_tensor_and_of_the_options_where_it_is_open(
    shape, options, expected
):
    assert Image("x", **options).shape(TensorSpec("float32", shape)) == expected


@pytest.mark.parametrize(
    ("spec", "options", "words"),
    [
        pytest.param(TensorSpec("string", (None,)), {}, "takes no images", id="string"),
        pytest.param(TensorSpec("float32", (None, 3)), {}, "height, width and", id="rank"),
        pytest.param(TensorSpec("int8", (None, 8, 8, 3)), {}, "int8 does not hold", id="int8"),
        pytest.param(PICTURES, {"size": (8, 8)}, "leave size and channels out", id="size"),
        pytest.param(PICTURES, {"channels": 1}, "leave size and channels out", id="channels"),
        pytest.param(PICTURES, {"mean": (1, 2)}, "2 numbers for 3 channels", id="mean"),
        pytest.param(TensorSpec("float32", (None, 8, 8, 5)), {}, "5 channels", id="five"),
        pytest.param(TensorSpec("float32", (None, 8, None, 3)), {}, "one side", id="one-side"),
        pytest.param(
            TensorSpec("uint8", (None, 8, 8, 3)), {"std": 255}, "make fractions", id="integers"
        ),
    ],
)
def test_a_tensor_that_takes_no_such_image_is_told_before_the_job_starts(spec, options, words):
    image = Image("x", **options)
    with pytest.raises(SignatureMismatchError, match=words):
        image.shape(spec)
    assert words in (image.misfit("BYTES", spec) or "")


def test_an_image_comes_as_bytes():
    assert Image("x").misfit("BYTES NOT NULL", PICTURES) is None
    assert "not as STRING" in (Image("x").misfit("STRING", PICTURES) or "")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"size": (0, 8)}, id="size"),
        pytest.param({"channels": 2}, id="channels"),
        pytest.param({"fit": "squeeze"}, id="fit"),
        pytest.param({"resize": "magic"}, id="resize"),
        pytest.param({"std": 0}, id="std"),
        pytest.param({"mean": float("nan")}, id="mean"),
        pytest.param({"max_pixels": 0}, id="max-pixels"),
    ],
)
def test_an_option_that_cannot_be_honoured_names_itself_and_what_it_takes(options):
    (name,) = options
    with pytest.raises(OptionError, match=rf"the image's {name} is .*; it takes"):
        Image("x", **options)
