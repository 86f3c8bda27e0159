"""Every error that the library raises, as one tree.

A message says what was wrong, where (field, file, tensor, column, record) and what to do about it.
"""

from modelstream.failure import Failure


class ModelStreamError(Exception):
    """The root of every error of this library."""


# The model


class ModelError(ModelStreamError):
    """A model cannot be used."""


class ModelNotFoundError(ModelError):
    """There is no model at the path."""


class ModelFormatError(ModelError):
    """The files at the path are not a model of the stated format, or are corrupt."""


class ModelLoadError(ModelError):
    """TensorFlow refused the model; the message lists what each loader said."""


class TagsNotFoundError(ModelError):
    """The SavedModel has no meta graph with the tags that were asked for."""


class SignatureNotFoundError(ModelError):
    """The model has no signature of that name."""


class SignatureMismatchError(ModelError):
    """A signature does not fit the method, or the stream's columns do not fit the signature."""


class BrokenModelError(ModelError):
    """A model fails on every record by itself: the model is at fault, not the data."""


class DivergedError(ModelError):
    """What an online model has learned is not finite any more: the model is at fault."""


class StateError(ModelError):
    """State or weights cannot be read, or belong to another model."""


# One record


class RecordError(ModelStreamError):
    """One record cannot be processed; the others of its batch can."""


class ConversionError(RecordError):
    """A value does not fit the tensor or the column that it is for.

    Attributes:
        index: the position of the offending record in its batch; None where it is not known.
    """

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.index: int | None = index


class UnevenShapesError(ModelStreamError):
    """The records of a batch have different shapes, which the model takes only one at a time.

    Attributes:
        groups: the positions of the records that fit into one batch together. Every record is in
            exactly one group; the caller runs the groups one after the other.
    """

    def __init__(self, message: str, groups: list[list[int]]) -> None:
        super().__init__(message)
        self.groups: list[list[int]] = groups


class UnscorableError(RecordError):
    """A model cannot score a record.

    Attributes:
        model: the model's name.
        failure: where the record failed, and why.
    """

    def __init__(self, message: str, model: str, failure: Failure) -> None:
        super().__init__(message)
        self.model: str = model
        self.failure: Failure = failure


# The job


class JobError(ModelStreamError):
    """A job cannot be built or has failed."""


class RecordFailedError(JobError):
    """A record cannot be scored, and the job is to fail on it; the message names the record."""


class ConnectorError(JobError):
    """A connector or its jar is not available, or does not take the options."""


class JavaNotFoundError(JobError):
    """There is no Java here that Flink runs on."""


class OptionError(JobError):
    """An option has a value that cannot be honoured."""


# Getting things


class FetchError(ModelStreamError):
    """A model or a jar cannot be fetched."""


class DigestMismatchError(FetchError):
    """What was fetched is not what was asked for."""
