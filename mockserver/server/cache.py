"""A least-recently-used cache, bounded in bytes. No I/O."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Cache(Generic[V]):
    """Values by key; *limit* is the sum of their sizes, which the caller of `put` provides."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """Return the value under *key*, or None."""
        cached = self._values.get(key)
        if cached is None:
            return None
        self._values.move_to_end(key)
        return cached[0]

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()
        self._size = 0

    def put(self, key: Hashable, value: V, size: int) -> V:
        """Store *value* of *size* bytes under *key*, unless it takes more than an eighth of the cache; return *value*."""
        if size * 8 <= self._limit and key not in self._values:
            self._values[key] = (value, size)
            self._size += size
            while self._size > self._limit:
                _, (_, freed) = self._values.popitem(last=False)
                self._size -= freed
        return value
