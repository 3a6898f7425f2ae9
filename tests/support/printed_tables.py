"""`make docs`: prints the tables of the code between their markers in docs/specifications.md."""

import sys
from pathlib import Path

from mss_gateway import failures, texts
from tests.support.source_tree import ROOT

PAGE = ROOT / "docs" / "specifications.md"
START, END = "<!-- printed: failures -->", "<!-- end -->"


def failures_table() -> str:
    """The failures table as Markdown, in the order of the enumeration."""
    lines = [
        "| failure | SMTP | IMAP | HTTP | again? | what the person reads |",
        "|---|---|---|---|---|---|",
    ]
    for failure in failures.Failure:
        row = failures.row(failure)
        again = "yes" if row.retry else "no"
        lines.append(
            f"| `{failure.name}` | {row.smtp} {row.enhanced} | {row.imap} | {row.http} | {again} "
            f"| {texts.text(row.text)} |"
        )
    return "\n".join(lines)


def with_tables(page: str) -> str:
    """``page`` with what stands between the markers replaced. ValueError without markers."""
    before, after = page.index(START) + len(START), page.index(END)
    return f"{page[:before]}\n{failures_table()}\n{page[after:]}"


def main(path: Path = PAGE) -> int:
    """Rewrite the page; 0 for the shell."""
    path.write_text(with_tables(path.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
