"""What a pass of billing costs: as many statements, and as much memory, however many jobs are due."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench import fill, fill_sqlite
from bench.billing import PASSES
from bench.measure import together
from invoice.models import Invoice
from subscription import subscriptions
from subscription.models import Pause
from tests import servers
from tests.fixtures import is_postgresql

# On PostgreSQL one more says how to look rows up. The clock, which is replaced here, would be four.
STATEMENTS = {
    "look for the next instant, before and after": 2,
    "begin, and end": 2,
    "claim": 1,
    "read": 1,
    "write invoices, their tally, accounts, jobs and pauses": 5,
}
FEW, MANY = 2_000, 100_000
MEGABYTES = 20
"""What passes over MANY jobs may take beyond what one over FEW does: they claim some more, but not all of them."""


@pytest.mark.parametrize("customers", [2, 40])
def test_a_pass_sends_as_many_statements_however_many_jobs_are_due(make_customer, fake_clock, run_pass, customers):
    for number in range(customers):
        customer = make_customer(f"c{number}", credit=10)  # for one of the two
        for _ in range(2):
            subscriptions.create(customer=customer, name="VM", price=10, isactive=True, by=None)
    fake_clock.at(600)
    with CaptureQueriesContext(connection) as sent:
        run_pass()
    assert Invoice.objects.count() == customers
    assert Pause.objects.count() == 2 * customers
    assert len(sent) == sum(STATEMENTS.values()) + is_postgresql(), "\n".join(query["sql"][:100] for query in sent)


def test_passes_over_many_jobs_take_hardly_more_memory_than_one_over_few():
    few, many = megabytes(FEW), megabytes(MANY)

    assert many - few < MEGABYTES, f"{many:.0f} MB for {MANY:,} jobs, {few:.0f} for {FEW:,}"


def megabytes(jobs: int) -> float:
    """The most that a process has resident which bills so many jobs, all due."""
    with servers.database() as url:
        (fill_sqlite if url.startswith("sqlite") else fill).fill(url, subscriptions=jobs, period=fill.DAY)
        (took,) = together(url, PASSES)
        ((invoices,),) = servers.rows(url, "SELECT count(*) FROM invoice_invoice")
        assert invoices == jobs
    return took["megabytes"]
