"""Prints where everything is, before the development server starts."""

import sys

TEXT = """
  API         http://localhost:{port}   (a walk with curl is in the README)
  Documents   http://localhost:{port}/api/docs/
  Admin       http://localhost:{port}/admin/
  Operator    .venv/bin/python manage.py createsuperuser   makes one

The scheduler bills in this server. Ctrl-C ends both.
"""

if __name__ == "__main__":
    sys.stdout.write(TEXT.format(port=sys.argv[1]))
