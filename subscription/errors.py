"""What can go wrong with a customer's subscriptions."""

from django.utils.translation import gettext_lazy as _


class SubscriptionError(Exception):
    """The base of this app's errors; its text is for the person who asked."""


class NoSuchSubscription(SubscriptionError):
    """There is none with that id, or it is somebody else's: nobody can tell which."""

    def __init__(self) -> None:
        super().__init__(_("Not found."))


class TooManySubscriptions(SubscriptionError):
    """A customer has at most 1,000."""

    def __init__(self) -> None:
        super().__init__(_("A customer has at most 1000 subscriptions."))
