"""How TensorFlow runs a model in this process."""

from dataclasses import dataclass

from modelstream.annotations import check_fields
from modelstream.errors import OptionError


@dataclass(frozen=True)
class TensorFlowOptions:
    """Options of the process that holds the model.

    TensorFlow fixes thread pools and GPU memory when the first model of a process opens; a later
    model with other options shares what is there.

    Attributes:
        intra_op: threads that one operation may use; None leaves it to TensorFlow (all cores).
        inter_op: operations that may run at the same time; None leaves it to TensorFlow.
        memory_growth: take GPU memory as it is needed, instead of all of it at once.
        memory_limit: the most that is taken of the GPU, in MiB, all of it at once; None for no
            limit. A worker of a job sees one GPU; where there are several, the session of a graph
            limits the first of them only.
        device: where operations run for which the model does not say it, such as ``/CPU:0`` or
            ``/GPU:1``; None leaves it to TensorFlow. What a device cannot run goes to the CPU.
    """

    intra_op: int | None = None
    inter_op: int | None = None
    memory_growth: bool = True
    memory_limit: int | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        for name, least in (("intra_op", 0), ("inter_op", 0), ("memory_limit", 1)):
            given = getattr(self, name)
            if given is not None and given < least:
                raise OptionError(f"{name} is {given}; it takes {least} or more, or None")
