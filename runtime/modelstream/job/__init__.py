"""From a ModelStream manifest to a Flink job."""

from modelstream.job.build import BuiltJob, build
from modelstream.job.context import JobContext

__all__ = ["BuiltJob", "JobContext", "build"]
