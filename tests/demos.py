"""A demo's database, made for tests."""

import subprocess
import sys
from pathlib import Path

from tests import servers

PASSWORD = "correct horse"
FILL = """
import sys, django
django.setup()
from pathlib import Path
from operators.demo import history
some = {} if sys.argv[3] == "whole" else {"customers": history.CUSTOMERS[:6], "days": 5}
history.fill(Path(sys.argv[1]), password=sys.argv[2], progress=lambda share: None, **some)
"""


def fill(path: Path, *, whole: bool = False) -> str:
    """Makes a provider, in a process of its own, with a dozen customers and five days of history unless it is to be the
    `whole` demo; returns its URL.
    """
    command = [sys.executable, "-W", "error", "-c", FILL, str(path), PASSWORD, "whole" if whole else "small"]
    variables = servers.environment(DJANGO_SETTINGS_MODULE="subscription_task.settings")
    done = subprocess.run(command, cwd=servers.ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return f"sqlite:///{path.as_posix()}"
