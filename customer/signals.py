"""What the door to an account announces. Sent with `send`, so a receiver that fails rolls everything back.

Both are sent with `opened`, the `accounts.Opened` account, inside its transaction and under its lock.
"""

from django.dispatch import Signal

account_opened = Signal()
"""The account is locked and its time `opened.at` is read; nothing has happened yet. A receiver bills what is due by
then and answers True, or bills a slice of it and answers False: the door commits the slice and opens again.
"""

account_changed = Signal()
"""Something about the account may have changed, because of `opened.event`."""
