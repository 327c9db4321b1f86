"""Runs the `main` of a module that wants Django: `DATABASE_URL=… python -m bench.run bench.passes`."""

import importlib
import os
import sys

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "subscription_task.settings")
    django.setup()
    importlib.import_module(sys.argv[1]).main()
