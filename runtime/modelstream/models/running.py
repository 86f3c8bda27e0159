"""The models of the job that runs in this process."""

from collections.abc import Mapping

from modelstream.annotations import checked
from modelstream.errors import JobError
from modelstream.models.protocol import Model

_models: dict[str, Model] | None = None
"""The running job's; None where no job runs."""


def provide(models: Mapping[str, Model]) -> None:
    """Make the running job's models known to ``model``."""
    global _models
    _models = dict(models)


@checked()
def model(name: str) -> Model:
    """The model of the running job that the manifest lists under ``spec.models``.

    Examples:
        >>> ms.infer(payments, ms.model("fraud"))

    Raises:
        JobError: the job has no model of that name.
    """
    if _models is None:
        raise JobError(
            f"no job is running that has a model {name!r}: start the program by a manifest, "
            f"`modelstream run FILE`, or open the model with SavedModel(PATH)"
        )
    if name not in _models:
        listed = f"lists {', '.join(sorted(_models))}" if _models else "is empty"
        raise JobError(f"the manifest has no model {name!r}; spec.models {listed}")
    return _models[name]
