"""What is asked in an address: each parameter once, and times as the API takes them everywhere."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from subscription_task.http import query, zones
from subscription_task.http.answers import kept

FIRST_YEAR, LAST_YEAR = 2, 9998
"""What is in these years is in the years 1 to 9999 in every zone."""

_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+ -][0-9]{2}:[0-9]{2}))?",
    re.ASCII | re.IGNORECASE,
)


@extend_schema_field({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]})
class InstantField(serializers.Field):
    """RFC 3339: a date and time with its offset from UTC, which makes a datetime, or a date."""

    default_error_messages = {
        "invalid": _(
            "A time such as 2030-01-31T12:00:00Z or 2030-01-31T12:00:00+03:30 is required, or a date: 2030-01-31."
        ),
        "years": _("Must be in the years {first} to {last}."),
    }

    def to_internal_value(self, data: Any) -> datetime | date:
        said = _TIME.fullmatch(data) if isinstance(data, str) else None
        if said is None:
            self.fail("invalid")
        day, clock, fraction, offset = said.groups()
        try:
            if clock is None:
                return date.fromisoformat(day)
            # An unescaped + in an address arrives as a space.
            time = datetime.fromisoformat(f"{day}T{clock}{offset.upper().replace(' ', '+')}")
        except ValueError:
            self.fail("invalid")
        try:
            # The next microsecond, since nothing is kept more exactly.
            return time.astimezone(UTC) + timedelta(microseconds=-(-int((fraction or "0").ljust(9, "0")) // 1000))
        except OverflowError:
            self.fail("years", first=FIRST_YEAR, last=LAST_YEAR)

    def to_representation(self, value: Any) -> str:
        return str(value)

    def instant(self, said: datetime | date, zone: ZoneInfo) -> datetime:
        """The instant that was meant: a date means its midnight in `zone`."""
        try:
            instant = said if isinstance(said, datetime) else zones.midnight(said, zone)
        except OverflowError:
            instant = None
        if instant is None or not FIRST_YEAR <= instant.year <= LAST_YEAR:
            self.fail("years", first=FIRST_YEAR, last=LAST_YEAR)
        return instant


@extend_schema_field({"type": "string"})
class ZoneField(serializers.Field):
    """IANA's name of a time zone."""

    default_error_messages = {"unknown": _("Must be the IANA name of a time zone, such as Asia/Tehran.")}

    def to_internal_value(self, data: Any) -> ZoneInfo:
        if not isinstance(data, str) or data not in zones.names():
            self.fail("unknown")
        return ZoneInfo(data)

    def to_representation(self, value: ZoneInfo) -> str:
        return str(value)


class RangeSerializer(serializers.Serializer):
    """A range of time: `since` and `until`, in UTC, None where nothing was said; and the zone `tz`."""

    tz = ZoneField(
        default=ZoneInfo("UTC"),
        help_text="The time zone in which dates are meant and times are grouped, by its IANA name: Asia/Tehran, say.",
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        return {
            "from": InstantField(
                source="since",
                default=None,
                help_text="Invoices whose `start_time` is this or later: a time with its offset from UTC, or a date,"
                " which means its beginning in `tz`.",
            ),
            "to": InstantField(source="until", default=None, help_text="The same, for those before it."),
            **super().get_fields(),
        }

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        wrong = {}
        for name in ("from", "to"):
            field = self.fields[name]
            try:
                if said[field.source] is not None:
                    said[field.source] = field.instant(said[field.source], said["tz"])
            except serializers.ValidationError as error:
                wrong[name] = error.detail
        if wrong:
            raise serializers.ValidationError(wrong)
        since, until = said["since"], said["until"]
        if since is not None and until is not None and since >= until:
            raise serializers.ValidationError({"from": [gettext("Must be before `to`.")]})
        return said


def read(kind: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    """What the request asks, as serializers of this kind understand it. Raises ValidationError, by parameter."""
    serializer = kept(kind)
    query.refuse_repeated(request, serializer.fields)
    return serializer.run_validation(request.query_params.dict())
