"""gRPC's status codes, and the HTTP statuses that TensorFlow Serving's REST API uses for them."""

from __future__ import annotations

from tfx_pipeline.errors import ServingError

_HTTP_STATUSES = {
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

_GRPC_CODES = {
    **{status: code for code, status in reversed(_HTTP_STATUSES.items())},
    400: "INVALID_ARGUMENT",
    409: "ABORTED",
    413: "RESOURCE_EXHAUSTED",
}
"""Where several codes share an HTTP status, the most likely one."""

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
"""The numbers of google.rpc.Code, as `StatusProto.error_code` holds them."""


def http_status(code: str) -> int:
    """Returns the HTTP status of a gRPC status code."""
    return _HTTP_STATUSES.get(code, 500)


def grpc_code(status: int) -> str:
    """Returns the gRPC status code of an HTTP status; where several share it, the likeliest."""
    return _GRPC_CODES.get(status, "INTERNAL" if status >= 500 else "UNKNOWN")


def invalid(message: str) -> ServingError:
    """Returns the error for a wrong request."""
    return ServingError("INVALID_ARGUMENT", message)
