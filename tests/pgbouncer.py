"""PgBouncer in transaction mode, as docs/scaling.md configures it, before the tests' PostgreSQL."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

from tests import servers

DOCUMENT = servers.ROOT.joinpath("docs/scaling.md").read_text("utf-8")
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SESSIONS = 4
"""How many sessions of PostgreSQL all clients share."""


@contextmanager
def before(url: str) -> Iterator[str]:
    """The URL of the same database through a PgBouncer that runs within the `with` block."""
    (documented,) = (text for text in re.findall(r"^```ini\n(.*?)^```$", DOCUMENT, re.M | re.S) if "pool_mode" in text)
    parts, port = urlsplit(url), servers.free_port()
    host = parts.hostname or parse_qs(parts.query)["host"][0]
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        users, settings = Path(directory, "users.txt"), Path(directory, "pgbouncer.ini")
        users.write_text(f'"{parts.username}" "{parts.password or ""}"\n')
        settings.write_text(
            f"[databases]\n* = host={host} port={parts.port or 5432}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = any\nauth_file = {users}\ndefault_pool_size = {SESSIONS}\n{documented}"
        )
        # auth_type any takes the user of the database's line.
        settings.write_text(settings.read_text().replace("\n[pgbouncer]", f" user={parts.username}\n[pgbouncer]", 1))
        # It refuses to be root; whoever owns the folder of PostgreSQL's socket may enter that.
        user = Path(host).owner() if host.startswith("/") else "nobody"
        command = [str(PROGRAM), *(["-u", user] if os.geteuid() == 0 else []), str(settings)]
        through = f"postgres://{parts.username}@127.0.0.1:{port}/{servers.name_of(url)}"
        with servers.Process(command) as process:

            def answers() -> bool:
                assert process.popen.poll() is None, process.output
                try:
                    psycopg.connect(through).close()
                except psycopg.OperationalError:
                    return False
                return True

            servers.until(answers, "PgBouncer's first answer")
            yield through
