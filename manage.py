#!/usr/bin/env python
"""Runs the management commands; a setting that makes no sense ends in one line on stderr."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from subscription_task import output

SERVE = ("serve", "runserver", "runscheduler", "demo")
"""The commands that run until they are ended."""

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "subscription_task.settings")
    if sys.argv[1:2] and sys.argv[1] in SERVE:
        output.never_fails()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"manage.py: {error}\n")
        sys.exit(2)  # 1 is what check_billing says of faults
