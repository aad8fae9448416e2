"""Names of nodes in little room, so that different ones still look different."""

from __future__ import annotations

import collections
import re
from collections.abc import Collection, Mapping

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^A-Za-z\d]+")


def shorten(rooms: Mapping[str, int]) -> dict[str, str]:
    """A text for each name.

    A name that is too long loses the words that most of the long names have, such as
    `Train_model_07`, `Train_model_08`. If that is not enough, it loses its middle.

    Args:
      rooms: by name, how many characters the text may have.
    """
    long = [name for name, room in rooms.items() if len(name) > room]
    counts = collections.Counter(word for name in long for word in {*_WORD.findall(name)})
    common = {word for word, count in counts.items() if count > len(long) / 2 > 1 / 2}
    return {
        name: _short(name, room, common) if len(name) > room else name
        for name, room in rooms.items()
    }


def _short(name: str, room: int, common: Collection[str]) -> str:
    words = _WORD.findall(name)
    kept = [word if word not in common and word.isalnum() else "" for word in words]
    text = re.sub(f"{_ELLIPSIS}+", _ELLIPSIS, "".join(word or _ELLIPSIS for word in kept))
    if any(kept) and len(text) <= room:
        return text
    end = max((room - 1) // 2, 0)
    return name[: max(room - 1 - end, 0)] + _ELLIPSIS + name[len(name) - end :]
