"""status: what lies in the store of the state, and the operator knows of."""

from typing import Annotated

from pydantic import Field

from modelstream_crds.rules import ListOf, Part


class ModelDigest(Part):
    """Which model that was."""

    name: str
    """Its name."""

    digest: str | None = None
    """The digest of its files."""


class SavepointStatus(Part):
    """A savepoint that the operator has taken."""

    path: str
    """Where it is: state.restoreFrom.path takes it."""

    time: str | None = None
    """When it was seen to be complete."""

    job_id: str | None = None
    """The job that it is of."""

    generation: int | None = None
    """The generation of the spec that ran."""

    revision: str | None = None
    """What the run was made from; kept as long as the savepoint is listed."""

    image: str | None = None
    """The image that ran."""

    models: Annotated[tuple[ModelDigest, ...], ListOf("name"), Field(max_length=16)] = ()
    """The models that ran."""


class RemainsStatus(Part):
    """What a run that has ended left in the store, beside savepoints."""

    job_id: str
    """Its job, by which its directories are called."""

    run: int | None = None
    """The run."""

    root: str
    """The stream's directory: checkpoints/JOB and ha/JOB are below it."""

    error: str | None = None
    """Why they could not be removed."""
