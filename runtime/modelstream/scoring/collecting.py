"""Python's garbage collector, kept from looking at what is about to be gone.

It looks at all that lives when enough containers have been made, and again and again while they
are. Where many are made that live for one batch and hold no cycles, as the objects of JSON, that is
most of the work: with TensorFlow in memory 2.1 of 3.6 µs a record.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No collection begins inside the block; of several threads the first to end it may begin one.

    Where the program has switched the collector off, it stays off.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
