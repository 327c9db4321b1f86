"""Who the tests of the admin log in as, and what they look at."""

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customer.admin_log import parts
from customer.models import Customer


def operator(username: str, *permissions: str) -> Customer:
    """A member of staff with `permissions`, such as `customer.view_customer`."""
    member = Customer.objects.create_user(username, password=None, is_staff=True)
    for permission in permissions:
        app, codename = permission.split(".")
        member.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return member


def superuser(username: str = "root") -> Customer:
    return Customer.objects.create_superuser(username, password=None)


def logged_in(member: Customer) -> Client:
    """A browser with the operator's session."""
    client = Client()
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(model: str, name: str, *args: object) -> str:
    """The address of a page: `page("customer_customer", "top-up", ada.pk)`."""
    return reverse(f"admin:{model}_{name}", args=args)


class _Hidden(HTMLParser):
    """The hidden inputs of a page: what its form would post unseen."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("type") == "hidden" and "name" in given:
            self.found.setdefault(given["name"], []).append(given.get("value") or "")


def hidden(answer: HttpResponse) -> dict[str, list[str]]:
    """The names and values of the hidden inputs of a page."""
    return _Hidden(answer.content.decode()).found


def act(client: Client, url: str, said: dict[str, Any] | None = None, **options: Any) -> HttpResponse:
    """Fills in the form of an act and confirms it, as a browser does; returns the last answer.

    Where there is no confirmation, that is the answer to the form.
    """
    asked = client.post(url, said or {})
    confirmation = hidden(asked) if asked.status_code == 200 else {}
    return client.post(url, confirmation, **options) if "_confirmed" in confirmation else asked


def last_log() -> tuple[str, str]:
    """Who did the last thing in the admin, and what and why."""
    entry = LogEntry.objects.select_related("user").latest("id")
    return entry.user.username, parts(entry)[0]


def last_origin() -> str:
    """Where the last thing in the admin was done from."""
    return parts(LogEntry.objects.latest("id"))[1]


def queries_of_list(client: Client, model: str, make_rows: Callable[[int], None]) -> list[int]:
    """How many queries the list of `model` takes at 5 rows and at 50."""
    counts = []
    for rows in (5, 45):
        make_rows(rows)
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(page(model, "changelist"))
        assert answer.status_code == 200
        counts.append(len(captured))
        shown = len(answer.context["cl"].result_list)
    assert shown == 50
    return counts
