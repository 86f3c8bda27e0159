"""Results leave the Python worker while it works on the next ones.

PyFlink sends what has gathered when a bundle ends, when it is 10 MB, and where a clock that ticks
once a second says so. Left to that, the JVM waits for Python, and then writes all results of a
bundle while Python waits for the next.
"""

import threading


class Outputs:
    """The outputs of the Python functions of this process, made when they are open."""

    def __init__(self) -> None:
        from pyflink.fn_execution.utils.operation_utils import PeriodicThread

        clocks = [each for each in threading.enumerate() if isinstance(each, PeriodicThread)]
        self._ticks = [clock._function for clock in clocks]

    def send(self) -> None:
        """Have them send what they hold, each after the batch that it works on."""
        for tick in self._ticks:
            tick()
