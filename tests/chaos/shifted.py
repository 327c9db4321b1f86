"""Runs a Python command of the service with its clock shifted by as many seconds as the file CLOCK_OFFSET says.

`python -m tests.chaos.shifted manage.py runscheduler`, `python -m tests.chaos.shifted -m gunicorn …`
"""

import os
import runpy
import sys
from datetime import datetime, timedelta
from pathlib import Path

from customer import clock

_real = clock.now


def _now() -> datetime:
    return _real() + timedelta(seconds=int(Path(os.environ["CLOCK_OFFSET"]).read_text()))


if __name__ == "__main__":
    clock.now = _now
    sys.argv = sys.argv[1:]
    if sys.argv[0] == "-m":
        sys.argv = sys.argv[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
