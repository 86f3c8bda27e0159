"""Images: the bytes of a JPEG or PNG as the tensor that a model takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.annotations import check_fields
from modelstream.convert.dtypes import Kind, dtype_of
from modelstream.convert.flinktypes import parse_type
from modelstream.convert.numbers import MisfitError
from modelstream.convert.spec import Layout, TensorSpec, uneven
from modelstream.errors import ConversionError, OptionError, SignatureMismatchError

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_OTHERS = {
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"RIFF": "a WebP or another RIFF file",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"%PDF": "a PDF",
    b"<": "text or SVG",
}
# Start-of-frame markers; C4, C8 and CC, which lie among them, are tables.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True)
class ImageSize:
    """Height and width in pixels."""

    height: int
    width: int


def image_size(content: bytes) -> ImageSize:
    """The size that the header of a JPEG or a PNG states.

    Raises:
        MisfitError: it is neither, or the header is cut off.
    """
    if content.startswith(_PNG):
        return _png_size(content)
    if content.startswith(_JPEG):
        return _jpeg_size(content)
    if not content:
        raise MisfitError("it is empty")
    found = next((name for start, name in _OTHERS.items() if content.startswith(start)), "")
    raise MisfitError(
        f"it is neither a JPEG nor a PNG{f' but looks like {found}' if found else ''}: it begins "
        f"with {content[:8]!r}"
    )


def _png_size(content: bytes) -> ImageSize:
    if content[12:16] != b"IHDR" or len(content) < 24:
        raise MisfitError("the PNG is cut off in its header")
    return ImageSize(int.from_bytes(content[20:24], "big"), int.from_bytes(content[16:20], "big"))


def _jpeg_size(content: bytes) -> ImageSize:
    """Hop from marker to marker to the frame."""
    at = 2
    while at + 9 <= len(content):
        if content[at] != 0xFF:
            raise MisfitError(f"the JPEG is damaged: byte {at} begins no segment")
        marker = content[at + 1]
        if marker in _FRAMES:
            height, width = content[at + 5 : at + 7], content[at + 7 : at + 9]
            return ImageSize(int.from_bytes(height, "big"), int.from_bytes(width, "big"))
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    raise MisfitError("the JPEG is cut off before its frame")


Array = npt.NDArray[Any]
Shape = tuple[int | None, int | None, int]
_CHANNELS = (1, 3, 4)


class Fit(StrEnum):
    """How an image comes to the size that the model takes."""

    STRETCH = "stretch"
    """Both sides are scaled, each by its own factor."""
    CROP = "crop"
    """The shorter side is scaled, the longer one is cut at both ends."""
    PAD = "pad"
    """The longer side is scaled, the shorter one gets black on both ends."""


class Resize(StrEnum):
    """How pixels are computed, as in tf.image.ResizeMethod."""

    BILINEAR = "bilinear"
    """Of the four pixels around the point, by their distance."""
    NEAREST = "nearest"
    """The pixel next to the point, as it is."""
    BICUBIC = "bicubic"
    """Of the sixteen pixels around the point, by a cubic polynomial."""
    AREA = "area"
    """The mean of the pixels that the new one covers."""


@dataclass(frozen=True)
class Image:
    """A column of JPEG or PNG bytes that feeds an image tensor: ``inputs={"x": Image("photo")}``.

    Height, width and channels are those of the tensor, float32[?, 224, 224, 3]; where it leaves
    them open they are ``size`` and ``channels``, else each image keeps its own size. Images are
    decoded by TensorFlow beside the model, on the CPU. Its decoder does not turn an image as its
    EXIF data says.

    Examples:
        >>> photo = ms.Image("photo", fit=ms.Fit.CROP, mean=127.5, std=127.5)
        >>> ms.infer(uploads, model, ms.Classify(inputs={"image": photo}))

    Attributes:
        column: BYTES, one image a record.
        size: height and width in pixels, where the tensor leaves them open.
        channels: 1 for grey, 3 for RGB, 4 for RGBA, where the tensor leaves them open; else 3.
        fit: how an image with other proportions comes to the size.
        resize: how pixels are computed.
        antialias: smooth while scaling down, which costs time.
        mean: subtracted from each pixel (0 to 255), one number or one a channel.
        std: what the difference is divided by, one number or one a channel. Mean and std are for
            float tensors; 127.5 for both gives -1 to 1, mean 0 and std 255 give 0 to 1.
        max_pixels: a larger image is refused before it is decoded: a few kB of PNG can state any
            size.
    """

    column: str
    _: KW_ONLY
    size: tuple[int, int] | None = None
    channels: int | None = None
    fit: Fit | str = Fit.STRETCH
    resize: Resize | str = Resize.BILINEAR
    antialias: bool = False
    mean: float | Sequence[float] = 0.0
    std: float | Sequence[float] = 1.0
    max_pixels: int = 100_000_000

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("mean", "std"):
            object.__setattr__(self, name, _numbers(getattr(self, name)))
        for name, (honoured, takes) in _OPTIONS.items():
            value = getattr(self, name)
            if not honoured(value):
                raise OptionError(f"the image's {name} is {value!r}; it takes {takes}")
        object.__setattr__(self, "fit", Fit(self.fit))
        object.__setattr__(self, "resize", Resize(self.resize))

    def misfit(self, column_type: str, spec: TensorSpec) -> str | None:
        """Why a column of this Flink SQL type cannot feed the tensor; None when it can."""
        if parse_type(column_type).name != "BYTES":
            return f"an image comes as BYTES, not as {column_type}"
        try:
            self.shape(spec)
        except SignatureMismatchError as error:
            return str(error)
        return None

    def shape(self, spec: TensorSpec) -> Shape:
        """Height, width and channels of the records; None where each image keeps its own.

        Raises:
            SignatureMismatchError: the tensor takes no images, or others than these options say.
        """
        _check_tensor(spec)
        record = (None, None, None) if spec.record_shape is None else spec.record_shape
        height, width, channels = record if len(record) == 3 else (*record, 1)
        found = (*(self.size or (height, width)), self.channels or channels or 3)
        self._check_shape(found, (height, width, channels), spec)
        self._check_normalisation(found[2], spec)
        return found

    def to_tensor(self, values: Any, spec: TensorSpec) -> Array:
        """One batch of encoded images as the array that the tensor takes.

        Raises:
            ConversionError: a record is not an image, is damaged or too large; ``index`` says
                which.
            UnevenShapesError: the images differ in size, which the tensor allows.
            SignatureMismatchError: the tensor takes no images.
        """
        shape = self.shape(spec)
        contents = [self._content(index, value) for index, value in enumerate(values)]
        dtype = dtype_of(spec.dtype)
        if not contents:
            return np.empty((0, *(size or 0 for size in shape)), dtype.numpy)
        from modelstream.convert.imagegraph import graph  # TensorFlow

        decoder = graph(self, shape, dtype.kind is Kind.INTEGER)
        arrays = decoder.decode(contents, lambda index, why: self._error(index, MisfitError(why)))
        if len(shapes := {array.shape for array in arrays}) > 1:
            raise uneven([array.shape for array in arrays], f"{len(shapes)} sizes of images")
        batch = arrays if isinstance(arrays, np.ndarray) else np.stack(arrays)
        rank = len(spec.record_shape or shape)
        return batch.astype(dtype.numpy, copy=False).reshape(len(batch), *batch.shape[1:][:rank])

    def _content(self, index: int, value: Any) -> bytes:
        try:
            if not isinstance(value, bytes | bytearray | memoryview):
                raise MisfitError("it is null" if value is None else f"{value!r:.40} is not bytes")
            content = bytes(value)
            size = image_size(content)
            if size.height * size.width > self.max_pixels:
                raise MisfitError(
                    f"it has {size.width} x {size.height} pixels, more than max_pixels "
                    f"({self.max_pixels})"
                )
        except MisfitError as error:
            raise self._error(index, error) from None
        return content

    def _error(self, index: int, why: MisfitError) -> ConversionError:
        return ConversionError(f"record {index} is not an image: {why}", index)

    def _check_shape(self, found: Shape, tensor: tuple[int | None, ...], spec: TensorSpec) -> None:
        if any(size is not None and size != have for size, have in zip(tensor, found, strict=True)):
            raise SignatureMismatchError(
                f"{spec.name or 'the tensor'} takes {spec}, the image is to have {list(found)} "
                f"(height, width, channels): leave size and channels out"
            )
        if found[2] not in _CHANNELS:
            raise SignatureMismatchError(f"no image has {found[2]} channels; {spec} takes them")
        if (found[0] is None) != (found[1] is None):
            raise SignatureMismatchError(f"{spec} leaves one side open: give the image a size")

    def _check_normalisation(self, channels: int, spec: TensorSpec) -> None:
        for name, numbers in (("mean", _numbers(self.mean)), ("std", _numbers(self.std))):
            if len(numbers) not in (1, channels):
                raise SignatureMismatchError(
                    f"{name} has {len(numbers)} numbers for {channels} channels"
                )
        if dtype_of(spec.dtype).kind is Kind.INTEGER and (self.mean, self.std) != ((0.0,), (1.0,)):
            raise SignatureMismatchError(f"mean and std make fractions, {spec} takes whole numbers")


# Option → whether its value can be honoured, and what it takes.
_OPTIONS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "size": (
        lambda size: size is None or (len(size) == 2 and min(size) > 0),
        "a height and a width",
    ),
    "channels": (lambda channels: channels in (None, *_CHANNELS), "1, 3 or 4"),
    "fit": (lambda fit: fit in tuple(Fit), ", ".join(Fit)),
    "resize": (lambda resize: resize in tuple(Resize), ", ".join(Resize)),
    "mean": (lambda mean: all(map(isfinite, mean)), "finite numbers"),
    "std": (lambda std: all(isfinite(each) and each > 0 for each in std), "numbers above 0"),
    "max_pixels": (lambda limit: limit > 0, "1 or more"),
}


def _numbers(value: float | Sequence[float]) -> tuple[float, ...]:
    return tuple(map(float, (value,) if isinstance(value, int | float) else value))


def _check_tensor(spec: TensorSpec) -> None:
    kind = dtype_of(spec.dtype).kind
    if spec.layout is not Layout.DENSE or kind not in (Kind.FLOAT, Kind.INTEGER):
        raise SignatureMismatchError(f"{spec} takes no images: their pixels are numbers")
    if spec.dtype == "int8":
        raise SignatureMismatchError("int8 does not hold pixels from 0 to 255")
    if spec.record_shape is not None and len(spec.record_shape) not in (2, 3):
        raise SignatureMismatchError(
            f"{spec} takes no images: a record of it has not the dimensions height, width and "
            f"channels"
        )
