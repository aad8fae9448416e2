"""Edits of the bundled table: what a file looks like after somebody broke it."""

from __future__ import annotations

from collections.abc import Callable

Edit = Callable[[bytes], bytes]


def rows(edit: Callable[[list[bytes]], list[bytes]]) -> Edit:
    """An edit of a file's lines; the first one is the header."""
    return lambda data: b"".join(edit(data.splitlines(keepends=True)))


def without_column(name: str) -> Edit:
    def edited(lines: list[bytes]) -> list[bytes]:
        cells = [line.decode().rstrip("\r\n").split(",") for line in lines]
        place = cells[0].index(name)
        return [(",".join(c[:place] + c[place + 1 :]) + "\n").encode() for c in cells]

    return rows(edited)


def with_value(column: str, value: str, every: int = 1) -> Edit:
    """Puts a value into a column of each row, or of one row in `every`."""

    def edited(lines: list[bytes]) -> list[bytes]:
        place = lines[0].decode().strip().split(",").index(column)
        result = [lines[0]]
        for number, line in enumerate(lines[1:]):
            cells = line.decode().rstrip("\r\n").split(",")
            if number % every == 0:
                cells[place] = value
            result.append((",".join(cells) + "\n").encode())
        return result

    return rows(edited)


def chain(*edits: Edit) -> Edit:
    """Several edits, one after the other."""

    def edited(data: bytes) -> bytes:
        for edit in edits:
            data = edit(data)
        return data

    return edited
