"""A process that does what the service is for, on the database of its environment; exits with 0 if all went well.

Registration, top-ups at once, a subscription, its first invoice by a pass, the lists, and `check_billing`.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "subscription_task.settings")
django.setup()

from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from rest_framework.test import APIClient  # noqa: E402

from invoice.models import Invoice  # noqa: E402
from tests import fixtures, servers  # noqa: E402

THREADS, TOP_UPS = 4, 40
ADA = {"username": "ada", "password": "a long sentence of ada"}


def ask(client: APIClient, method: str, path: str, body: dict | None = None) -> dict:
    """The answer of one request, which must succeed."""
    answer = getattr(client, method)(path, body, format="json")
    assert answer.status_code in (200, 201), (path, answer.status_code, answer.content)
    return answer.json()


def top_up(token: str) -> None:
    """By a connection of this thread's own."""
    ask(APIClient(headers={"Authorization": f"Bearer {token}"}), "put", "/customer/increasecredit/", {"credit": 1})


def main() -> None:
    """Raises where anything is not as it should be."""
    nobody = APIClient()
    ask(nobody, "post", "/customer/register/", ADA | {"credit": 1000})
    token = ask(nobody, "post", "/customer/login/", ADA)["access"]
    ada = APIClient(headers={"Authorization": f"Bearer {token}"})
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(top_up, [token] * TOP_UPS))
    ask(ada, "post", "/subscription/create/", {"name": "VM", "price": 10})

    def billed() -> bool:
        fixtures.process_jobs()
        return Invoice.objects.exists()

    servers.until(billed, "an invoice")
    (vm,) = ask(ada, "get", "/subscription/list")["subscriptions"]
    assert vm["next_invoice_at"].endswith("Z")
    assert ask(ada, "get", "/customer/profile/")["credit"] in range(1000, 1000 + TOP_UPS)
    assert ask(ada, "get", "/invoice/list")["invoices"][-1]["amount"] == 10
    assert ask(ada, "get", "/invoice/statistics?group_by=day&tz=Asia/Tehran")["total_cost_amount"] >= 10
    assert any(ask(ada, "get", "/customer/statement").values())
    call_command("check_billing")
    connection.close()


if __name__ == "__main__":
    try:
        main()
    except ImproperlyConfigured as error:
        sys.exit(f"refused: {error}")
