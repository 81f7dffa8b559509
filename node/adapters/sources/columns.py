"""Column sets of our own CSV format: English codes, Chinese aliases. Reference: `docs/csv-source.md`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from node.errors import BadSource


@dataclass(frozen=True, slots=True)
class ColumnSet:
    """Required and optional columns: code -> Chinese alias."""

    required: Mapping[str, str]
    optional: Mapping[str, str]

    def match(self, header: Sequence[str], label: str, line: int) -> tuple[str, ...]:
        """The code of each column of a header.

        Raises BadSource for an unknown column (a misspelt `sealed` must not be passed over), a missing one, one given
        twice, and a file that is not separated by commas.
        """
        names = {_plain(name): code for code, alias in self._all().items() for name in (code, alias)}
        if len(header) == 1 and re.search(r"[;\t|]", header[0]):
            raise BadSource(label, "the columns are not separated by commas; export the file as CSV again", row=line)
        codes: list[str] = []
        for title in header:
            code = names.get(_plain(title))
            if code is None:
                raise BadSource(
                    label, f"a column is not known; use {', '.join(self._all())}", row=line, column=_shown(title)
                )
            if code in codes:
                raise BadSource(label, "the column appears twice; remove one", row=line, column=code)
            codes.append(code)
        for code, alias in self.required.items():
            if code not in codes:
                raise BadSource(label, f"the column is missing; add {code} ({alias})", row=line, column=code)
        return tuple(codes)

    def _all(self) -> dict[str, str]:
        return {**self.required, **self.optional}


def _plain(title: str) -> str:
    return re.sub(r"[\s_]+", "_", unicodedata.normalize("NFKC", title).strip().lower())


def _shown(title: str) -> str:
    # a first line without header holds data: nothing that could be an identifier is repeated
    return "?" if not title or len(title) > 20 or re.search(r"[0-9]{4}", title) else title


_SUBJECT = {"id_type": "主体代码类型", "subject_id": "主体代码"}

RECORD_COLUMNS = ColumnSet(
    required={
        **_SUBJECT,
        "local_code": "领域序号",
        "record_type": "记录类型",
        "deciding_authority": "作出决定机关",
        "document_number": "决定书文号",
        "decided_on": "决定日期",
        "content": "内容",
        "source_unit": "数源单位",
        "effective": "是否生效",
        "not_penalised": "是否依法不予处罚",
        "revoked": "是否撤销",
        "secret": "是否涉密",
        "sealed": "是否封存",
    },
    optional={
        "list_name": "名单名称",
        "effective_on": "生效日期",
        "removed_on": "移出日期",
        "repair_state": "修复情况",
        "repaired_on": "修复日期",
    },
)

REGISTRATION_COLUMNS = ColumnSet(
    required={**_SUBJECT, "name": "名称", "kind": "主体类别", "division": "登记地行政区划代码"},
    optional={"registered_on": "登记日期", "excluded": "不再适用原因"},
)
