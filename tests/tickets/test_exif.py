from __future__ import annotations

import struct

import numpy as np
import pytest
import tensorflow as tf

from tf_dlth.tickets.exif import number, orientation


def block(order: str, *entries: tuple[int, int], directory: int = 8) -> bytes:
    """A TIFF header, then one directory of short numbers by tag."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, directory)
    listed = b"".join(struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0) for tag, value in entries)
    return head + bytes(directory - 8) + struct.pack(f"{order}H", len(entries)) + listed


def found(content: bytes, is_jpeg: bool = True) -> int:
    return int(orientation(tf.constant(np.frombuffer(content, np.uint8)), tf.constant(is_jpeg)))


@pytest.mark.parametrize("order", "<>")
def test_both_byte_orders_and_another_place_of_the_directory(order: str) -> None:
    assert found(b"\xff\xd8\xff\xe1..Exif\0\0" + block(order, (0x010F, 7), (0x0112, 6))) == 6
    assert found(b"\xff\xd8Exif\0\0" + block(order, (0x0112, 3), (0x011A, 1), directory=20)) == 3
    assert found(b"\x89PNG....eXIf" + block(order, (0x0112, 8)), is_jpeg=False) == 8


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8\xff\xdb" + bytes(100),
        b"\xff\xd8Exif\0\0",
        b"\xff\xd8Exif\0\0" + block("<", (0x0110, 6)),
        b"\xff\xd8Exif\0\0" + block("<", (0x0112, 9)),
        b"\xff\xd8Exif\0\0" + block("<", (0x0112, 0)),
        b"\xff\xd8Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 40,
    ],
)
def test_nothing_noted_or_nonsense_is_upright(content: bytes) -> None:
    assert found(content) == 1


def test_numbers_in_both_orders() -> None:
    content = tf.constant([0, 1, 2, 3, 4, 5], tf.uint8)
    assert number(content, tf.constant([1, 2]), 2, little=True).numpy().tolist() == [0x0201, 0x0302]
    assert number(content, 1, 4, little=False).numpy() == 0x01020304
    assert number(content, 4, 4, little=True).numpy() == 0x05050504
