"""What a subscription selects that other ones did not: their events do not show what happened there. No I/O."""

from collections.abc import Iterable

from mockserver.formats.json_text import dumps
from mockserver.thread_log.filter import Filter, Namespace, is_within


def find_uncovered(selected: Filter, known: Iterable[Filter]) -> str | None:
    """Return in words the first channel or namespace that *selected* selects and none of *known* does, or None."""
    for channel in sorted(selected.channels):
        names = {channel, channel.partition(":")[0]}
        with_channel = [one for one in known if not names.isdisjoint(one.channels)]
        if not with_channel:
            return f"the channel `{channel}`"
        prefixes = selected.namespaces or ((),)
        depth = selected.depth if selected.namespaces else None
        for prefix in prefixes:
            if not any(_covers(one, prefix, depth) for one in with_channel):
                where = f"the channel `{channel}` of the namespace {dumps(list(prefix))}"
                return f"{where} with {'any depth' if depth is None else f'depth {depth}'}"
    return None


def _covers(known: Filter, prefix: Namespace, depth: int | None) -> bool:
    """Return whether *known* selects all namespaces that have up to *depth* segments after *prefix*."""
    if not known.namespaces:
        return True
    for one in known.namespaces:
        more = len(prefix) - len(one)
        is_deep = known.depth is None or (depth is not None and more + depth <= known.depth)
        if is_within(prefix, one) and is_deep:
            return True
    return False
