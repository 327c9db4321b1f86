"""What can go wrong with a customer's account. None of it knows of HTTP.

A text is in the language of who asks for it, at the time when it is asked for.
"""

from django.utils.translation import gettext_lazy as _


class CustomerError(Exception):
    """The base of this app's errors; its text is for the person who asked."""


class UsernameTaken(CustomerError):
    """Another customer has this name, but perhaps for its case."""

    def __init__(self) -> None:
        super().__init__(_("A customer with that username already exists."))


class DepositLimit(CustomerError):
    """All that was ever put into the account would pass 2⁶³−1."""

    def __init__(self) -> None:
        super().__init__(_("This would take all that was ever put into the account over 9223372036854775807."))


class CreditTooLow(CustomerError):
    """An adjustment would take more than the credit holds."""

    def __init__(self) -> None:
        super().__init__(_("The credit would fall below 0."))


class StillHasBooks(CustomerError):
    """A customer with ledger entries or subscriptions, or a subscription with invoices, stays."""


class AccountBroken(CustomerError):
    """The account's rows contradict each other, so that it cannot be billed. `fault` says how."""

    def __init__(self, customer_id: int, fault: str) -> None:
        super().__init__(f"Account {customer_id} cannot be billed: {fault}")
        self.customer_id = customer_id
        self.fault = fault


class AccountSetAside(CustomerError):
    """The account waits for an operator's repair; nothing about it can change until then."""

    def __init__(self) -> None:
        super().__init__(_("This account is being repaired. Please try again later."))


class AccountBusy(CustomerError):
    """Another change of the account took longer than somebody would wait."""

    def __init__(self) -> None:
        super().__init__(_("Another request for this account is still under way. Please try again."))


class UnusableKey(CustomerError):
    """An idempotency key that is none."""

    def __init__(self) -> None:
        super().__init__(_("An idempotency key is 1 to 255 printable ASCII characters, in quotes or not."))


class KeyOfAnotherRequest(CustomerError):
    """An idempotency key that was used before, for something else."""

    def __init__(self) -> None:
        super().__init__(_("This idempotency key was used for another request."))


class WrongPassword(CustomerError):
    """The old password is not the customer's."""

    def __init__(self) -> None:
        super().__init__(_("This is not your password."))
