"""A tensor as the element of a stream."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelstream.convert import wire
from modelstream.convert.dtypes import holder, known, name_of
from modelstream.convert.elements import array_of, cast_to, widened
from modelstream.convert.spec import TensorSpec, shape_text
from modelstream.convert.values import objects, register_type
from modelstream.convert.wire import Buffer
from modelstream.errors import ConversionError

if TYPE_CHECKING:
    from pyflink.common import Row
    from pyflink.common.typeinfo import TypeInformation

Array = npt.NDArray[Any]
_FIELDS = ("dtype", "shape", "data")


class TensorValue:
    """A tensor: dtype, shape and elements. Immutable, hashable and picklable.

    Two are equal when dtype, shape and the bits of every element are: NaN equals itself, 0.0 and
    -0.0 differ. A string tensor holds bytes.

    Examples:
        >>> ms.TensorValue([[1, 2], [3, 4]], "float32").to_bytes()

    Args:
        values: a number, text, bytes, (nested) lists or tuples of them, a numpy array or another
            TensorValue. A numpy array is copied unless it cannot be written to; ``view`` shares.
        dtype: as TensorFlow spells it. By default that of the array; of Python values int64,
            float32, bool or string.

    Raises:
        ConversionError: the values differ in type or the lists in length, or a value does not fit
            the dtype without loss (float64 to float32 rounds, as everywhere).
    """

    __slots__ = ("_array", "_dtype")

    SQL_TYPE = "ROW<dtype STRING, shape ARRAY<BIGINT>, data BYTES>"
    """The Flink SQL type of ``to_row``."""

    _array: Array
    _dtype: str

    def __init__(self, values: Any, dtype: str | None = None) -> None:
        wanted = None if dtype is None else known(dtype)
        if isinstance(values, TensorValue):
            array, found = cast_to(values.numpy(), wanted or values.dtype), wanted or values.dtype
        else:
            array, found = array_of(values, wanted)
        self._set(array.copy() if array is values and not _is_frozen(array) else array, found)

    def _set(self, array: Array, dtype: str) -> None:
        array = np.asarray(array, holder(dtype), order="C").view()
        array.flags.writeable = False
        self._array = array
        self._dtype = dtype

    @classmethod
    def view(cls, array: Array, dtype: str | None = None) -> "TensorValue":
        """A tensor that shares the memory of an array, which nobody must write to any more.

        Args:
            array: contiguous in C order, else it is copied after all.
            dtype: where numpy's does not tell it: a quantized one.
        """
        found = name_of(array.dtype) if dtype is None else known(dtype)
        if array.dtype != holder(found) or array.dtype.kind == "O":
            return cls(array, dtype)
        value = cls.__new__(cls)
        value._set(array, found)
        return value

    @classmethod
    def _holding(cls, array: Array, dtype: str) -> "TensorValue":
        """A tensor that shares an array of the dtype's holder; strings are bytes already."""
        value = cls.__new__(cls)
        value._set(array, dtype)
        return value

    @property
    def dtype(self) -> str:
        """As TensorFlow spells it."""
        return self._dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions; () for a single value."""
        shape: tuple[int, ...] = self._array.shape
        return shape

    @property
    def nbytes(self) -> int:
        """Bytes of the elements; of strings their lengths."""
        if self._dtype == "string":
            return sum(map(len, self._array.reshape(-1).tolist()))
        return self._array.nbytes

    @property
    def spec(self) -> TensorSpec:
        """What it is, without what is in it."""
        return TensorSpec(self._dtype, self.shape)

    def numpy(self) -> Array:
        """The elements as an array that cannot be written to, without a copy.

        Strings are an object array of bytes; bfloat16, float8 and int4 come in ml_dtypes' types, a
        quantized dtype as its codes.
        """
        return self._array

    def tolist(self) -> Any:
        """The elements as (nested lists of) Python values; strings as bytes."""
        return self._array.tolist()

    def to_bytes(self) -> bytes:
        """Header and elements, as ``modelstream.convert.wire`` lays them out."""
        head = wire.head(wire.Kind.DENSE, self._dtype, self.shape)
        if self._dtype == "string":
            return head + self._elements()
        return b"".join((head, self._array.reshape(-1).view(np.uint8).data))

    @classmethod
    def from_bytes(cls, data: Buffer) -> "TensorValue":
        """The tensor that ``to_bytes`` wrote. Numbers stay where they are in ``data``.

        Raises:
            ConversionError: the bytes are not a tensor, damaged, or of a newer version.
        """
        head = wire.read_head(data, wire.Kind.DENSE)
        return cls._read(head.dtype, head.sizes, memoryview(data)[head.end :])

    def to_row(self) -> "Row":
        """A Row of dtype, shape and the elements' bytes, for tables; see ``SQL_TYPE``."""
        from pyflink.common import Row

        return Row(dtype=self._dtype, shape=list(self.shape), data=self._elements())

    @classmethod
    def from_row(cls, row: Any) -> "TensorValue":
        """The tensor that ``to_row`` wrote, from a Row, a tuple or a mapping.

        Raises:
            ConversionError: it has other fields, or they do not fit together.
        """
        try:
            fields = row.as_dict() if getattr(row, "_fields", None) else row
            found = [fields[n] for n in _FIELDS] if isinstance(fields, Mapping) else list(fields)
            dtype, shape, data = found
            sizes = tuple(int(size) for size in shape)
            return cls._read(known(dtype), sizes, memoryview(data))
        except (TypeError, ValueError, KeyError):
            raise ConversionError(f"{row!r:.60} is not a {cls.SQL_TYPE}") from None

    @staticmethod
    def type_information() -> "TypeInformation":
        """Flink's type of a stream of TensorValues: pickled, as ``to_bytes`` lays them out.

        It is what Flink takes by default: ``from_collection(values)`` must not be given a type,
        because PyFlink then reads the values in the JVM.
        """
        from pyflink.common import Types

        return Types.PICKLED_BYTE_ARRAY()

    @staticmethod
    def row_type_information() -> "TypeInformation":
        """Flink's type of a stream of what ``to_row`` gives."""
        from pyflink.common import Types

        types = [Types.STRING(), Types.OBJECT_ARRAY(Types.LONG())]
        return Types.ROW_NAMED(list(_FIELDS), [*types, Types.PRIMITIVE_ARRAY(Types.BYTE())])

    @classmethod
    def _read(cls, dtype: str, shape: tuple[int, ...], data: memoryview) -> "TensorValue":
        value = cls.__new__(cls)
        if any(size < 0 for size in shape):
            raise ConversionError(f"the tensor has the shape {list(shape)}: a size is negative")
        if dtype == "string":
            value._set(_strings(wire.unpacked_strings(data, _count(shape)), shape), dtype)
        else:
            owned = data if data.readonly else memoryview(bytes(data))
            value._set(wire.unpacked_numbers(owned, holder(dtype), shape), dtype)
        return value

    def _elements(self) -> bytes:
        if self._dtype == "string":
            return wire.packed_strings(self._array.reshape(-1).tolist())
        return self._array.tobytes()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if dtype is not None and np.dtype(dtype) != self._array.dtype:
            return self._array.astype(dtype)
        return self._array.copy() if copy else self._array

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        return TensorValue.from_bytes, (self.to_bytes(),)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorValue):
            return NotImplemented
        return (
            self._dtype == other._dtype
            and self.shape == other.shape
            and self._elements() == other._elements()
        )

    def __hash__(self) -> int:
        return hash((self._dtype, self.shape, self._elements()))

    def __repr__(self) -> str:
        text = np.array2string(self._array, threshold=8, edgeitems=3, separator=", ")
        return f"TensorValue({self._dtype}{shape_text(self.shape)}, {' '.join(text.split())})"


def _is_frozen(array: Array) -> bool:
    """Whether nobody can write to the memory of the array."""
    base: Any = array
    while isinstance(base, np.ndarray):
        if base.flags.writeable:
            return False
        base = base.base
    return (
        base is None
        or isinstance(base, bytes)
        or (isinstance(base, memoryview) and isinstance(base.obj, bytes))
    )


def _strings(values: list[bytes], shape: tuple[int, ...]) -> Array:
    return objects(values).reshape(shape)


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _for_models(value: TensorValue) -> Any:
    """As tensors take it: text nested in lists, the small floats as float32."""
    return value.tolist() if value.dtype == "string" else widened(value.numpy())


register_type(TensorValue, _for_models, TensorValue.view)
