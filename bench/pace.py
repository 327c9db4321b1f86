"""Progress of long work, on stderr."""

from collections.abc import Iterator

from tqdm import tqdm


def steps(things: range, what: str) -> Iterator[int]:
    """Goes through `things` with a bar that says how far."""
    return tqdm(things, desc=what, leave=False, dynamic_ncols=True, disable=not things)
