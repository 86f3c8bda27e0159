"""How a graph names its tensors: ``node:0``."""


def split(tensor: str) -> tuple[str, int]:
    """``node:1`` as (node, 1); a node alone means its first output; ``^`` marks no data."""
    name, _, index = tensor.removeprefix("^").partition(":")
    return name, int(index or 0)


def full(tensor: str) -> str:
    """A tensor with its index: ``node`` is ``node:0``."""
    name, index = split(tensor)
    return f"{name}:{index}"
