"""Documents of which a part is written by a program."""

from pathlib import Path


def write(document: Path, what: str, text: str) -> None:
    """Puts `text` between the markers `<!-- … begins -->` and `<!-- … ends -->` of that name."""
    begin, end = f"<!-- {what} begins -->", f"<!-- {what} ends -->"
    before, _, rest = document.read_text("utf-8").partition(begin)
    after = rest.partition(end)[2]
    assert after, f"{document} has no part {what!r}"
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")
