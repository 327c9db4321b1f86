"""What this app announces inside an open door. Sent with `send`, so a receiver that fails rolls everything back.

Both are sent with `opened`, the open account, and `subscription`.
"""

from django.dispatch import Signal

subscription_created = Signal()
"""The subscription is in the database and has no job yet."""

subscription_deleted = Signal()
"""The subscription is about to leave the database; its job must go with it."""
