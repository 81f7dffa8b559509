"""Which metrics and labels a PromQL expression uses. Covers the language as our rules and dashboard write it."""

from __future__ import annotations

import re

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_MATCHERS = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"\[[^\]]*\]")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_NAME = re.compile(r"(?<![\w.$])([A-Za-z_:][\w:]*)\b(?!\s*\()")
_OFFSET = re.compile(r"\boffset\s+\w+")
_WORDS = frozenset({"and", "or", "unless", "bool", "sum", "min", "max", "avg", "count"})


def metrics_of(expression: str) -> set[str]:
    """Names of the metrics it reads. `label_values(metric, label)` of a dashboard variable counts as well."""
    plain = _OFFSET.sub("", _GROUPING.sub("", _RANGE.sub("", _MATCHERS.sub("", _STRING.sub("", expression)))))
    if variable := re.fullmatch(r"label_values\((\w+),\s*\w+\)", plain):
        return {variable[1]}
    return {name for name in _NAME.findall(plain) if name not in _WORDS}


def labels_of(expression: str) -> set[str]:
    """Labels that it matches or groups by."""
    bare = _STRING.sub("", expression)
    matched = {
        re.split("[=!]", part)[0].strip() for inner in _MATCHERS.findall(bare) for part in inner.split(",") if part
    }
    grouped = {label.strip() for inner in _GROUPING.findall(bare) for label in inner.split(",") if label.strip()}
    return matched | grouped
