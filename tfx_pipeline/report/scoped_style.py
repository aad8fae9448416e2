"""The style of the report for a part of somebody else's page, such as a notebook."""

from __future__ import annotations

import re
from collections.abc import Iterator

SCOPE = ".tfx-pipeline-view"
_DARK_PAGES = ('[data-jp-theme-light="false"]', ".vscode-dark", '[data-theme="dark"]')
_PAGE = {":root", "html", "body"}
_DARK = "@media (prefers-color-scheme: dark)"
_OWN = """
SCOPE { padding: 2px 10px 12px; border-radius: 8px; text-align: left; }
SCOPE tr:nth-child(n), SCOPE tbody tr:nth-child(n), SCOPE tbody tr:hover { background: none; }
SCOPE table { margin: 0; border: 0; table-layout: auto; color: var(--ink); }
SCOPE :is(th, td):not(.n) { text-align: left; }
SCOPE :is(th, td) { max-width: none; white-space: normal; }
"""


def scoped(style: str) -> str:
    """The style sheet with every rule limited to elements in `SCOPE`.

    The page decides between light and dark, as JupyterLab and VS Code mark it: the system's
    setting may be another one. Rules for paper are left out: they are the page's.

    Args:
      style: of the report: rules without commas inside a selector, and `@media` blocks of rules.
    """
    style = style.replace("color-scheme: light dark", "color-scheme: light")
    parts = []
    for head, body in _blocks(style):
        if head == _DARK:
            pages = ", ".join(f"{page} {SCOPE}" for page in _DARK_PAGES)
            parts += [f"{pages} {{ {inner} color-scheme: dark; }}" for _, inner in _blocks(body)]
        elif head.startswith("@media"):
            if "print" not in head:
                parts.append(f"{head} {{ {' '.join(map(_rule, _blocks(body)))} }}")
        else:
            parts.append(_rule((head, body)))
    return "\n".join([_OWN.replace("SCOPE", SCOPE), *parts])


def _blocks(style: str) -> Iterator[tuple[str, str]]:
    """Each block at the top: what is before its braces, and what is in them."""
    depth, start, head = 0, 0, ""
    for match in re.finditer(r"[{}]", style):
        if match[0] == "{":
            if depth == 0:
                head, start = style[start : match.start()].strip(), match.end()
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                yield head, style[start : match.start()].strip()
                start = match.end()


def _rule(block: tuple[str, str]) -> str:
    head, body = block
    selectors = [_selector(one.strip()) for one in head.split(",")]
    return f"{', '.join(selectors)} {{ {body} }}"


def _selector(selector: str) -> str:
    if selector in _PAGE:
        return SCOPE
    return f"{SCOPE} {selector}"
