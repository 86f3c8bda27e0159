"""What the first bytes of an image say, before a decoder allocates what they promise."""

from dataclasses import dataclass

from modelstream.convert.numbers import Refused

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
        Refused: it is neither, or the header is cut off.
    """
    if content.startswith(_PNG):
        return _png_size(content)
    if content.startswith(_JPEG):
        return _jpeg_size(content)
    if not content:
        raise Refused("it is empty")
    found = next((name for start, name in _OTHERS.items() if content.startswith(start)), "")
    raise Refused(
        f"it is neither a JPEG nor a PNG{f' but looks like {found}' if found else ''}: it begins "
        f"with {content[:8]!r}"
    )


def _png_size(content: bytes) -> ImageSize:
    if content[12:16] != b"IHDR" or len(content) < 24:
        raise Refused("the PNG is cut off in its header")
    return ImageSize(int.from_bytes(content[20:24], "big"), int.from_bytes(content[16:20], "big"))


def _jpeg_size(content: bytes) -> ImageSize:
    """Hop from marker to marker to the frame."""
    at = 2
    while at + 9 <= len(content):
        if content[at] != 0xFF:
            raise Refused(f"the JPEG is damaged: byte {at} begins no segment")
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
    raise Refused("the JPEG is cut off before its frame")
