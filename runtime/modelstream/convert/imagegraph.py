"""TensorFlow's image decoder in a graph of its own, a batch at a time, on the CPU.

A session, as for models: an eager context would take the memory of a GPU that the model's session
is to grow into, and its calls cost as much as small images do.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy.typing as npt
import tensorflow as tf

from modelstream.convert.image import Fit, Image, Resize, Shape
from modelstream.errors import ConversionError

Array = npt.NDArray[Any]
Blame = Callable[[int, str], ConversionError]


class ImageGraph:
    """Decodes, resizes and normalises.

    Args:
        image: the options.
        shape: what a record is; height and width are None where each image keeps its own.
        whole: pixels are whole numbers, uint8; else float32.
    """

    def __init__(self, image: Image, shape: Shape, whole: bool) -> None:
        self._fixed = shape[0] is not None
        with tf.Graph().as_default() as graph:
            self._session = tf.compat.v1.Session(
                graph=graph, config=tf.compat.v1.ConfigProto(device_count={"GPU": 0})
            )
            one = tf.compat.v1.placeholder(tf.string, [])
            self._one = self._session.make_callable(_pixels(one, image, shape, whole), [one])
            if self._fixed:
                all_ = tf.compat.v1.placeholder(tf.string, [None])
                # AutoGraph has nothing to convert here; of a match it complains at length.
                plain = tf.autograph.experimental.do_not_convert(_pixels)
                pixels = tf.map_fn(
                    lambda content: plain(content, image, shape, whole),
                    all_,
                    fn_output_signature=tf.uint8 if whole else tf.float32,
                )
                self._all = self._session.make_callable(pixels, [all_])

    def decode(self, contents: Sequence[bytes], blame: Blame) -> Array | list[Array]:
        """One array of all images where they have one size, else one array each.

        Raises:
            ConversionError: what ``blame`` makes of the first image that cannot be decoded.
        """
        if self._fixed:
            try:
                batch: Array = self._all(list(contents))
            except tf.errors.InvalidArgumentError:  # one of them: which?
                pass
            else:
                return batch
        return [self._single(index, content, blame) for index, content in enumerate(contents)]

    def _single(self, index: int, content: bytes, blame: Blame) -> Array:
        try:
            array: Array = self._one(content)
        except tf.errors.InvalidArgumentError as error:
            raise blame(index, _said(error)) from None
        return array


@lru_cache(maxsize=32)
def graph(image: Image, shape: Shape, whole: bool) -> ImageGraph:
    """The decoder for these options, one a process."""
    return ImageGraph(image, shape, whole)


def _pixels(content: Any, image: Image, shape: Shape, whole: bool) -> Any:
    height, width, channels = shape
    # An RGB image has no transparency, so that TensorFlow decodes no JPEG into four channels.
    pixels = tf.io.decode_image(content, channels=channels, expand_animations=False)
    pixels.set_shape([None, None, channels])
    if height is not None and width is not None:
        pixels = _resized(pixels, image, height, width)
    if whole:
        return tf.cast(tf.clip_by_value(tf.round(tf.cast(pixels, tf.float32)), 0, 255), tf.uint8)
    return (tf.cast(pixels, tf.float32) - tf.constant(image.mean)) / tf.constant(image.std)


def _resized(pixels: Any, image: Image, height: int, width: int) -> Any:
    def resize(to: Any) -> Any:
        return tf.image.resize(pixels, to, Resize(image.resize).value, antialias=image.antialias)

    match Fit(image.fit):
        case Fit.STRETCH:
            return resize([height, width])
        case Fit.PAD:
            return tf.image.resize_with_crop_or_pad(
                resize(_scaled(pixels, height, width, tf.minimum)), height, width
            )
        case Fit.CROP:
            return tf.image.resize_with_crop_or_pad(
                resize(_scaled(pixels, height, width, tf.maximum)), height, width
            )


def _scaled(pixels: Any, height: int, width: int, pick: Callable[[Any, Any], Any]) -> Any:
    """The size with the image's own proportions that covers, or fits into, the one wanted."""
    own = tf.cast(tf.shape(pixels)[:2], tf.float64)
    factors = tf.constant([height, width], tf.float64) / own
    scaled = own * pick(factors[0], factors[1])
    return tf.maximum(tf.cast(tf.round(scaled), tf.int32), 1)


def _said(error: Any) -> str:
    """TensorFlow's reason, without the place in its graph."""
    return str(error.message).split("\n\t [[", 1)[0].strip().splitlines()[-1]
