"""What can be proven of a job without running it: it is built and planned, and not submitted."""

from collections.abc import Mapping
from types import MappingProxyType

from modelstream.errors import JobError
from modelstream.flink import jvm
from modelstream.job.build import BuiltJob, build
from modelstream.job.context import JobContext
from modelstream_crds.v1alpha1 import ModelStream

_NONE: Mapping[str, str] = MappingProxyType({})


def prove(stream: ModelStream, where: JobContext, options: Mapping[str, str] = _NONE) -> BuiltJob:
    """Build the job of a manifest as it would be submitted, and let Flink plan it.

    Signatures are held against columns and arguments, connectors and tables are found, SQL is
    planned; a program runs up to where it would submit its job, and no further.

    Args:
        stream: a valid manifest.
        where: the models, secrets and mounts of this machine or pod.
        options: Flink's, in the cluster that the job is for.

    Returns:
        The job that was not submitted.

    Raises:
        JobError: the job cannot be built, or the program submits none; SignatureMismatchError and
            the like for its model. Whatever else a program raises.
    """
    with jvm.planned(options) as has_plan:
        job = build(stream, where)
        try:
            job.submit()
        except Exception:
            if not has_plan():
                raise
    if not has_plan():
        raise JobError(
            "the program ended and submitted no job: end it with execute_insert, a statement set's "
            "execute, or env.execute"
        )
    return job
