"""What strangers send: any text, any JSON, any bytes, and what is right but for one place."""

import copy
import json
from typing import Any

from hypothesis import strategies as st

#: With NUL and lone surrogates, which no database holds, and what ends a line elsewhere than in our files.
TEXT = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("\x00\ud800\udfff\u2028\u0085\n\r\"'\\,:"), max_size=30
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**400])
    | st.floats()
    | TEXT
)

JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)

#: Nested more deeply than any stack.
DEEP = st.integers(1_000, 200_000).map(lambda depth: b'{"a":' * depth + b"[" * depth)


@st.composite
def nearly(draw: st.DrawFn, right: Any) -> Any:  # Any: JSON
    """A right value with up to three of its places changed, taken away or added to."""
    value = copy.deepcopy(right)
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(list(_paths(value))))
        value = _changed(draw, value, path)
    return value


def lines(right: Any) -> st.SearchStrategy[bytes]:  # Any: JSON
    """JSON text that is nearly right, or is none at all."""
    texts = (nearly(right) | JSON).map(lambda value: json.dumps(value).encode())
    raw = nearly(right).map(lambda value: json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"))
    return texts | raw | cut(json.dumps(right).encode()) | st.binary(max_size=60) | DEEP


@st.composite
def cut(draw: st.DrawFn, right: bytes) -> bytes:
    """Right bytes of which some are gone or others."""
    start = draw(st.integers(0, len(right)))
    end = draw(st.integers(start, min(len(right), start + 12)))
    return right[:start] + draw(st.binary(max_size=8)) + right[end:]


def _paths(value: Any, here: tuple[Any, ...] = ()) -> Any:  # Any: JSON; an iterator of places
    yield here
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from _paths(one, (*here, key))


def _changed(draw: st.DrawFn, value: Any, path: tuple[Any, ...]) -> Any:  # Any: JSON
    if not path:
        if isinstance(value, dict):
            return {**value, draw(TEXT): draw(JSON)}
        return draw(JSON)
    *above, last = path
    place = value
    for key in above:
        place = place[key]
    if draw(st.booleans()):
        place[last] = draw(JSON)
    elif isinstance(place, dict):
        del place[last]
    else:
        place.insert(last, draw(JSON))
    return value
