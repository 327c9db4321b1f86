"""What an operator does through an account's door: an act, the form that asks for it and how it reads back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin.models import CHANGE
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from customer import accounts
from subscription_task.formats import numbers
from subscription_task.http.fields import MAX_MONEY


class AmountField(forms.IntegerField):
    """Money in its smallest unit: a whole number from `min_value` to 2⁶³−1, in the digits of any language.

    The widget is no number's, which would take no separators and no other digits.
    """

    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric", "dir": "ltr", "autocomplete": "off"})

    def __init__(self, *, min_value: int = 1, **options: Any) -> None:
        options.setdefault("help_text", gettext_lazy("A whole number, in the smallest unit of money."))
        super().__init__(min_value=min_value, max_value=MAX_MONEY, **options)

    def to_python(self, value: Any) -> int | None:
        return super().to_python(numbers.plain(value) if isinstance(value, str) else value)


class ActForm(forms.Form):
    """What every act asks for; the reason goes to the log."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget
    )


def _always(subject: Any) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Act:
    """What an operator does through an account's door: a form on a page of its own, a confirmation, and it is done.

    `do(subject, by=…, **what the form says)` returns the object that the log names, and what has been done to it, as
    one of customer.admin_log's sentences: in English, as the log has it.
    `preview(subject, said)` says on the confirmation what would happen, a line each; `said` is what the form says, the
    subject of an addition None. `seen(subject, said)` is what may not change between the confirmation and the act, so
    that a second click, or a second operator with the same in mind, does it no second time. `event` is None where no
    door needs to open; `flag` is the log's. Objects that it does not fit are not offered it.
    """

    name: str
    title: str
    permission: str
    do: Callable[..., tuple[Model, str]]
    event: accounts.Event | None
    form: type[forms.Form] = ActForm
    flag: int = CHANGE
    icon: str = "edit"
    note: str = ""
    preview: Callable[[Any, dict[str, Any]], list[str]] | None = None
    seen: Callable[[Any, dict[str, Any]], object] | None = None
    fits: Callable[[Any], bool] = _always


def read_back(form: forms.Form) -> list[tuple[str, str]]:
    """What a valid form says, for people: a label and a value each."""
    return [(field.label, _shown(form.cleaned_data[field.name])) for field in form]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, int):
        return numbers.money(value)
    return "-" if value is None or value == "" else str(value)
