"""The order of map entries in protobufs that are serialized deterministically.

TFX's ExampleGen hashes such bytes of a tf.Example to choose its split.
"""

from __future__ import annotations

import functools

from google.protobuf import struct_pb2

_LAST = 256


def sort_key(name: str) -> list[int]:
    """The key to sort names by, as the installed protobuf sorts the keys of a map.

    All sort by bytes. Where one name is the beginning of another, C++ puts the shorter one
    first, and upb, which Python uses since protobuf 4, the longer one.
    """
    return [*name.encode(), _LAST] if _longer_first() else [*name.encode()]


@functools.cache
def _longer_first() -> bool:
    data = struct_pb2.Struct()
    data.update({"a": None, "aa": None})
    return b"aa" in data.SerializeToString(deterministic=True)[:6]
