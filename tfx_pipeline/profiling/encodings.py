"""Finds the encoding of a text file from its first bytes."""

from __future__ import annotations

import codecs
import dataclasses
import re

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MULTIBYTE = ("cp932", "euc_jp", "gb18030", "big5", "euc_kr")
_JAPANESE = re.compile("[\u3041-\u309f\u30a1-\u30fa\u30fc]")
"""Kana: frequent in every Japanese text, and rare in bytes that were decoded wrongly."""
_WIDE_RUN = re.compile("[\u3001-\u9fff\uac00-\ud7a3\uff01-\uff60]{2,}")
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60]")
_HALFWIDTH_KANA = re.compile("[\uff61-\uff9f]")
_HALFWIDTH_RUN = re.compile("[\uff61-\uff9f]{2,}")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_STRANGE = re.compile("[\ue000-\uf8ff\x80-\x9f]")
_TAIL = 8


@dataclasses.dataclass(frozen=True)
class Encoding:
    """An encoding, by Python's name, and the reason for it."""

    name: str
    reason: str


def detect(data: bytes, complete: bool = True) -> Encoding:
    """The encoding of a text.

    Args:
      data: the text, or its beginning.
      complete: whether it is the whole text; else the last character may be cut.
    """
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return Encoding(name, "the file begins with a byte order mark")
    if wide := _without_mark(data):
        return wide
    if data.isascii():
        return Encoding("utf-8", "only ASCII characters")
    if _decoded(data, "utf-8", complete) is not None:
        return Encoding("utf-8", "all bytes are valid UTF-8")
    return _legacy(data, complete)


def _without_mark(data: bytes) -> Encoding | None:
    """UTF-16 without a byte order mark: every other byte of a separator or digit is zero."""
    head = data[:4096]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 5 < len(head) // 2 or min(even, odd) * 4 > max(even, odd):
        return None
    name = "utf-16-le" if odd > even else "utf-16-be"
    return Encoding(name, "every other byte is zero")


def _decoded(data: bytes, name: str, complete: bool) -> str | None:
    """The text; None if the bytes are not of this encoding."""
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        if complete or error.start < len(data) - _TAIL:
            return None
        return data[: error.start].decode(name)


def _legacy(data: bytes, complete: bool) -> Encoding:
    """An encoding from before Unicode: the East Asian one that reads best, else a Western one."""
    high = sum(byte > 0x7F for byte in data)
    scores = {}
    for name in _MULTIBYTE:
        text = _decoded(data, name, complete)
        if text is not None:
            scores[name] = _plausibility(text)
            if name == "euc_jp" and not _JAPANESE.search(text):
                scores[name] /= 2  # its Chinese characters alone are those of other encodings
    best = max(scores, key=scores.__getitem__, default="")
    if best and scores[best] > 0.5:
        what = "Japanese" if best in ("cp932", "euc_jp") else "East Asian"
        return Encoding(best, f"{what} characters in this encoding, and not UTF-8")
    if any(0x80 <= byte <= 0x9F for byte in data) and _decoded(data, "cp1252", True) is not None:
        return Encoding("cp1252", f"not UTF-8; {high:,} bytes read as Western characters")
    return Encoding("latin-1", f"not UTF-8; {high:,} bytes read as Western characters")


def _plausibility(text: str) -> float:
    """From 0 to about 1.5: how much the text reads like Chinese, Japanese or Korean.

    Western letters that are read as such an encoding give single characters between ASCII
    letters, or half-width kana; true texts have runs of full-width ones.
    """
    others = [c for c in text if ord(c) > 0x7F]
    if not others:
        return 0.0
    joined = "".join(others)
    runs = sum(len(run) for run in _WIDE_RUN.findall(text))
    single = len(_WIDE.findall(joined)) - runs
    kana = len(_JAPANESE.findall(joined))
    narrow = sum(len(run) for run in _HALFWIDTH_RUN.findall(text))
    wrong = len(_STRANGE.findall(joined)) + 0.5 * (len(_HALFWIDTH_KANA.findall(joined)) - narrow)
    common = sum("\u4e00" <= c <= "\u9fff" and _is_common(c) for c in others)
    known = 0.3 * kana + 0.2 * common + 0.25 * len(_HANGUL.findall(joined))
    return (runs + 0.4 * narrow - 0.5 * single + known - 2 * wrong) / len(others)


def _is_common(character: str) -> bool:
    """Whether a Chinese character is one of the 2,965 of JIS X 0208's first level, or of GB 2312's.

    Wrongly decoded bytes give rare characters as often as common ones.
    """
    try:
        lead = character.encode("euc_jp")[0]
        if 0xB0 <= lead <= 0xCF:
            return True
    except UnicodeEncodeError:
        pass
    try:
        return 0xB0 <= character.encode("gb2312")[0] <= 0xD7
    except UnicodeEncodeError:
        return False
