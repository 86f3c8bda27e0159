"""Real JPEGs and PNGs, against what TensorFlow's eager operations make of them."""

import numpy as np
import pytest
import tensorflow as tf

from modelstream.convert import Image, TensorSpec
from modelstream.errors import ConversionError, UnevenShapesError

ANY_SIZE = TensorSpec("float32", (None, None, None, 3), "x")


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Smooth, so that JPEG keeps it."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [(x * 3 + y * (2 + at)) % 256 for at in range(channels)]
    return np.stack(planes, axis=-1).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    return bytes(tf.io.encode_png(pixels).numpy())


def jpeg(pixels: np.ndarray) -> bytes:
    return bytes(tf.io.encode_jpeg(pixels, quality=95).numpy())


IMAGES = [png(picture(20, 30)), jpeg(picture(40, 25)), png(picture(8, 8, 1)), jpeg(picture(9, 9))]


@pytest.mark.parametrize("resize", ["bilinear", "nearest", "bicubic", "area"])
def test_stretched_images_are_what_a_loop_of_tensorflow_makes(resize: str) -> None:
    mean, std = (127.5, 120.0, 110.0), (127.5, 60.0, 255.0)
    image = Image("x", resize=resize, mean=mean, std=std)
    batch = image.to_tensor(IMAGES, TensorSpec("float32", (None, 16, 12, 3)))
    for content, array in zip(IMAGES, batch, strict=True):
        pixels = tf.io.decode_image(content, channels=3, expand_animations=False)
        resized = tf.cast(tf.image.resize(pixels, (16, 12), resize), tf.float32)
        expected = (resized - mean) / std
        np.testing.assert_allclose(array, expected, atol=1e-5)


def test_a_tensor_of_any_size_gets_each_image_as_it_is() -> None:
    same = [png(picture(5, 7)), png(picture(5, 7)[::-1])]
    batch = Image("x").to_tensor(same, ANY_SIZE)
    assert np.array_equal(batch, [picture(5, 7), picture(5, 7)[::-1]])
    with pytest.raises(UnevenShapesError) as caught:
        Image("x").to_tensor([*same, IMAGES[0]], ANY_SIZE)
    assert caught.value.groups == [[0, 1], [2]]


def test_whole_number_tensors_get_the_pixels_themselves() -> None:
    batch = Image("x").to_tensor([png(picture(5, 7))], TensorSpec("uint8", (None, 5, 7, 3)))
    assert batch.dtype == np.uint8
    assert np.array_equal(batch[0], picture(5, 7))


def test_grey_images_and_tensors_go_both_ways() -> None:
    grey, colour = picture(6, 6, 1), picture(6, 6)
    wide = Image("x").to_tensor([png(grey)], TensorSpec("float32", (None, 6, 6, 3)))
    assert np.array_equal(wide[0], np.repeat(grey, 3, axis=-1))
    flat = Image("x").to_tensor([png(colour)], TensorSpec("float32", (None, 6, 6)))
    luminance = colour @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(flat[0], luminance, atol=3)


def test_crop_and_pad_keep_the_proportions() -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255  # a white square between two black ones
    spec = TensorSpec("float32", (None, 10, 10, 3))
    (cropped,) = Image("x", fit="crop").to_tensor([png(wide)], spec)
    assert cropped.min() == 255
    (padded,) = Image("x", fit="pad", resize="nearest").to_tensor([png(255 - wide * 0)], spec)
    rows = padded.max(axis=(1, 2))
    assert rows.tolist() == [0, 0, 0, 255, 255, 255, 0, 0, 0, 0]


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_damaged_image_is_named_and_the_others_decode_without_it(at: int) -> None:
    spec = TensorSpec("float32", (None, 8, 8, 3))
    whole = jpeg(picture(40, 40))
    contents = [*IMAGES[:at], whole[: len(whole) // 2], *IMAGES[at:]]
    with pytest.raises(ConversionError, match=f"record {at} is not an image: .*JPEG") as caught:
        Image("x").to_tensor(contents, spec)
    assert caught.value.index == at
    assert "\n" not in str(caught.value)
    assert Image("x").to_tensor(IMAGES, spec).shape == (4, 8, 8, 3)


def test_an_example_is_what_tensorflow_reads_and_writes() -> None:
    from modelstream.convert import example, parse_example

    given = {"x": [1.5, 2.0], "ids": [1, -(2**63)], "name": ["ä".encode(), b"\xff"], "none": []}
    theirs = tf.train.Example.FromString(example(**given))
    assert list(theirs.features.feature["x"].float_list.value) == given["x"]
    assert list(theirs.features.feature["ids"].int64_list.value) == given["ids"]
    assert list(theirs.features.feature["name"].bytes_list.value) == given["name"]
    assert parse_example(theirs.SerializeToString()) == given
