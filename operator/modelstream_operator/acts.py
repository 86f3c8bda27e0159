"""What a pass does: something that fails, or is refused, keeps nothing else from being done."""

from collections.abc import Awaitable, Callable, MutableMapping

from modelstream_operator.cluster import ApiError
from modelstream_operator.decide.children import in_ending_namespace, refused
from modelstream_operator.decide.problem import Problem
from modelstream_operator.resources import Ref

Refused = MutableMapping[Ref, Problem]
"""What the API server does not let be done to which object, and why."""


async def each_of(*acts: Callable[[], Awaitable[None]]) -> None:
    """Do all of them, in their order.

    Raises:
        ApiError: one could not be done; the first of several.
    """
    errors = []
    for act in acts:
        try:
            await act()
        except ApiError as error:
            errors.append(error)
    if errors:
        raise errors[0]


async def refusable(ref: Ref, act: Awaitable[None], found: Refused) -> None:
    """Do what rights, or a webhook, may refuse.

    Raises:
        ApiError: it could not be done for another reason.
    """
    try:
        await act
    except ApiError as error:
        if not error.refused:
            raise
        found[ref] = refusal(ref, error)


def refusal(ref: Ref, error: ApiError) -> Problem:
    """What status says of an object that the API server refuses."""
    return in_ending_namespace() if error.of_ending_namespace else refused(ref, str(error))
