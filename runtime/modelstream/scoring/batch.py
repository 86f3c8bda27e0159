"""How many records the model sees at a time, and how long a record may wait for the others."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from modelstream.annotations import check_fields
from modelstream.arguments import MILLISECOND, check_duration
from modelstream.errors import OptionError


@dataclass(frozen=True)
class Batch:
    """How many records one model call takes, and how long a record may wait; one for each job.

    Examples:
        >>> ms.infer(table, model, batch=ms.Batch(64, timedelta(milliseconds=20)))

    Attributes:
        max_size: records in one call of the model, at most.
        max_latency: how long a record waits for a batch to fill, at most; at least 1 ms. In a job
            of Flink's batch mode, whose results are awaited at its end, half a second where less
            is given.
        allowed_sizes: batch sizes that the model was compiled or tuned for, increasing; the last
            one is max_size. A batch is padded to the next of them with copies of its first record.
    """

    max_size: int = 256
    max_latency: timedelta = timedelta(milliseconds=50)
    allowed_sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_duration("the batch's max_latency", self.max_latency)
        check_fields(self)
        object.__setattr__(self, "allowed_sizes", tuple(self.allowed_sizes))
        if self.max_size < 1:
            raise OptionError(f"the batch's max_size is {self.max_size}; it takes 1 or more")
        if any(size < 1 for size in self.allowed_sizes) or any(
            after <= before for before, after in pairwise(self.allowed_sizes)
        ):
            raise OptionError(
                f"the batch's allowed_sizes are {list(self.allowed_sizes)}; "
                f"they must be 1 or more and increase"
            )
        if self.allowed_sizes and self.allowed_sizes[-1] != self.max_size:
            raise OptionError(
                f"the last of the batch's allowed_sizes is {self.allowed_sizes[-1]} and max_size "
                f"is {self.max_size}: no call has more records than max_size, and it is padded to "
                f"a size of the list; make both the same"
            )

    def as_text(self) -> str:
        """All of it as the value of one of Flink's options."""
        numbers = (self.max_size, self.max_latency // MILLISECOND, *self.allowed_sizes)
        return "/".join(map(str, numbers))

    @classmethod
    def of_text(cls, text: str) -> "Batch":
        """What `as_text` gave."""
        size, milliseconds, *allowed = map(int, text.split("/"))
        return cls(size, timedelta(milliseconds=milliseconds), tuple(allowed))

    @property
    def warm_up_sizes(self) -> tuple[int, ...]:
        """The batch sizes worth a call before the first record comes."""
        return self.allowed_sizes or tuple(sorted({1, self.max_size}))

    def padded(self, size: int) -> int:
        """The size that a batch of ``size`` records is padded to."""
        return next((allowed for allowed in self.allowed_sizes if allowed >= size), size)

    def spans(self, size: int) -> Iterator[tuple[int, int]]:
        """Start and end of the calls that ``size`` records are split into."""
        most = self.max_size
        return ((start, min(start + most, size)) for start in range(0, size, most))
