"""What TensorFlow Serving's REST API makes of gRPC's status codes."""

from __future__ import annotations

from tfx_pipeline.errors import ServingError

_HTTP = {
    "OK": 200,
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

_CODES = {400: "INVALID_ARGUMENT", 409: "ABORTED", 413: "RESOURCE_EXHAUSTED"}

NUMBERS = {
    "OK": 0,
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "DATA_LOSS": 15,
    "UNAUTHENTICATED": 16,
}
"""google.rpc's numbers, which `StatusProto.error_code` holds."""


def http_status(code: str) -> int:
    """The HTTP status of a gRPC status."""
    return _HTTP.get(code, 500)


def grpc_code(status: int) -> str:
    """The gRPC status that an HTTP status stands for; where several do, the likeliest."""
    for code, number in _HTTP.items():
        if number == status and status not in _CODES:
            return code
    return _CODES.get(status, "INTERNAL" if status >= 500 else "UNKNOWN")


def invalid(message: str) -> ServingError:
    """The request is wrong."""
    return ServingError("INVALID_ARGUMENT", message)
