"""Forms of rows that others may change while the form is filled in."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _


class ShownForm(forms.ModelForm):
    """Writes those fields that were changed in the form, and refuses one that was changed under it.

    Each field is posted with the value that it showed, which is Django's `show_hidden_initial`. A post without those is
    compared with the row as it is. Used within a transaction, in which the row is locked once the form is clean.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not self.instance._state.adding:
            shown = not self.is_bound or any(self._shown(bound) for bound in self)
            for field in self.fields.values():
                field.show_hidden_initial = shown and not field.disabled

    def clean(self) -> None:
        super().clean()
        if self.instance._state.adding:
            return
        now = type(self.instance)._base_manager.select_for_update(no_key=True).filter(pk=self.instance.pk).first()
        if now is None:
            raise forms.ValidationError(self._meanwhile())
        values = forms.model_to_dict(now, fields=self.fields)
        for name in list(self.cleaned_data):
            bound = self[name]
            if name not in self.changed_data:
                del self.cleaned_data[name]  # what is not cleaned is not written
            elif bound.field.show_hidden_initial and _differ(bound, values[name]):
                self.add_error(name, self._meanwhile())

    def _shown(self, bound: forms.BoundField) -> Any:
        return bound.field.hidden_widget().value_from_datadict(self.data, self.files, bound.html_initial_name)

    @staticmethod
    def _meanwhile() -> str:
        return _("This was changed meanwhile: load the page anew.")


def _differ(bound: forms.BoundField, now: Any) -> bool:
    """Whether a row holds neither what the form showed nor what it says."""
    return bound.field.has_changed(now, bound.form._shown(bound)) and bound.field.has_changed(now, bound.data)
