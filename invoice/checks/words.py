"""What the checks and billing find wrong: kept in English, shown to operators in the language of their page."""

from django.utils.translation import gettext_noop

from subscription_task.formats.sentences import sentence

_LINES = (
    # as Fault.__str__ has them
    sentence(gettext_noop("account %(account_id)s: %(what)s [%(code_id)s]")),
    sentence(gettext_noop("account %(account_id)s, subscription %(subscription_id)s: %(what)s [%(code_id)s]")),
    sentence(gettext_noop("job %(job_id)s: %(what)s [%(code_id)s]")),
    sentence(gettext_noop("database: %(what)s [%(code_id)s]")),
)
SET_ASIDE = sentence(
    gettext_noop(
        "set aside since %(since)s with %(count)s: neither billed nor changed until it is repaired and retried."
        " The error: %(error)s"
    )
)
NO_ACCOUNT = sentence(
    gettext_noop("the customer has no account, so that nothing of theirs is billed. Restore it from a backup.")
)
CREDIT_WRONG = sentence(
    gettext_noop(
        "the credit is %(credit)s, but the ledger's %(ledger)s less the invoices' %(charged)s is"
        " %(difference)s. Find the row that was edited, added or lost and restore it."
    )
)
CREDIT_NEGATIVE = sentence(gettext_noop("the credit is %(credit)s, and must never be below 0."))
DEPOSITED_WRONG = sentence(
    gettext_noop(
        "%(column)s is %(found)s, but its positive ledger entries come to %(expected)s. Set it so, once these"
        " rows are proved."
    )
)
COUNT_WRONG = sentence(
    gettext_noop(
        "%(column)s is %(found)s, but its invoices number %(expected)s. Set it so, once these rows are proved."
    )
)
TOTAL_WRONG = sentence(
    gettext_noop(
        "%(column)s is %(found)s, but its invoices come to %(expected)s. Set it so, once these rows are proved."
    )
)
STRAY = sentence(
    gettext_noop(
        "ledger entry %(id)s (%(kind_id)s), at %(time)s, does not belong where it stands: entries follow each other in"
        " time, and a registration is its customer's own and the first. Restore it from a backup."
    )
)
TERMS = sentence(
    gettext_noop("it costs %(price)s every %(period)s seconds since %(time)s, which cannot be billed. Restore it.")
)
PRICES = sentence(
    gettext_noop(
        "price change %(id)s, at %(time)s, made the price %(price)s, but after it the price is %(after)s."
        " Prices change through the admin, which records them: restore the change that is not recorded."
    )
)
JOB_MISSING = sentence(gettext_noop("it has no job, so it is never billed. Restore the job."))
JOB_RUNS = sentence(
    gettext_noop(
        "its job runs, at %(time)s, but must be paused: %(why)s. Set its next_run_time to NULL and record the pause."
    )
)
JOB_PAUSED = sentence(
    gettext_noop(
        "its job is paused, but must run: it is active, and the credit %(credit)s covers its price %(price)s."
        " Set its next_run_time to %(time)s and end its pause there."
    )
)
JOB_NOWHERE = sentence(
    gettext_noop(
        "its job stands at %(time)s, and where it must cannot be told from its created_at, its period and its"
        " account's settled_until. Restore these."
    )
)
JOB_MISPLACED = sentence(
    gettext_noop(
        "its job stands at %(stands)s, but must at %(time)s, the first instant of its grid after its account's"
        " settled_until. Set its next_run_time so."
    )
)
PAUSE_OPEN = sentence(gettext_noop("its job runs, but %(pauses)s of it did not end. End it where it went on."))
PAUSE_MISSING = sentence(
    gettext_noop(
        "its job is paused, but no open pause says since when and why. Restore that, or let it begin at its"
        " first instant that was not billed."
    )
)
SWITCHED_OFF = sentence(gettext_noop("it is switched off"))
NOT_COVERED = sentence(gettext_noop("the credit %(credit)s does not cover its price %(rest)s"))
ORPHAN = sentence(
    gettext_noop(
        "no subscription has this id; the job stands at %(time)s and bills nothing. Delete it, or restore its"
        " subscription."
    )
)
ORPHAN_PAUSED = sentence(
    gettext_noop(
        "no subscription has this id; the job is paused and bills nothing. Delete it, or restore its subscription."
    )
)
OVERLAPS = sentence(
    gettext_noop(
        "pause %(id)s, from %(begins)s to %(ends)s, begins before pause %(other_id)s ends. Correct the wrong one."
    )
)
OFF_GRID = sentence(
    gettext_noop(
        "pause %(id)s, from %(begins)s to %(ends)s, does not begin and end at instants of the grid, as pauses"
        " do. Restore its times."
    )
)
NOW = sentence(gettext_noop("now"))
INVOICE_MISSING = sentence(
    gettext_noop(
        "%(count)s before %(time)s, where billing has arrived, without an invoice or a pause: %(instants)s."
        " Restore the rows from a backup."
    )
)
DUPLICATE = sentence(
    gettext_noop(
        "%(count)s at instants that have another: %(instants)s. Nothing of ours writes such a row: compare with"
        " a backup."
    )
)
IN_PAUSE = sentence(
    gettext_noop(
        "%(count)s at instants that were withheld: %(instants)s. Nothing of ours writes such a row: compare"
        " with a backup."
    )
)
TOO_LATE = sentence(
    gettext_noop(
        "%(count)s at or after %(time)s, where billing has arrived: %(instants)s. Nothing of ours writes such a"
        " row: compare with a backup."
    )
)
INVOICE_OFF_GRID = sentence(
    gettext_noop(
        "invoice %(id)s, at %(time)s, is at no instant of the grid. Nothing of ours writes such a row: compare"
        " with a backup."
    )
)
AMOUNT_WRONG = sentence(
    gettext_noop(
        "invoice %(id)s, at %(time)s, takes %(amount)s where the price was %(price)s. Restore the row from a backup."
    )
)
END_WRONG = sentence(
    gettext_noop("invoice %(id)s, at %(time)s, ends at %(ends)s, not %(expected)s. Restore the row from a backup.")
)
CUSTOMER_WRONG = sentence(
    gettext_noop(
        "invoice %(id)s, at %(time)s, is customer %(customer_id)s's, not %(other_id)s's. Restore the row from a backup."
    )
)
MORE = sentence(gettext_noop("So are %(count)s more."))
CONSTRAINT = sentence(
    gettext_noop(
        "table %(table_id)s has lost its constraint %(constraint_id)s, so that nothing keeps such rows out. Put"
        " it back as the migrations have it."
    )
)
UNREADABLE = sentence(
    gettext_noop(
        "%(count)s of %(table_id)s, the first with %(key_id)s %(first_id)s, hold in %(column_id)s what is no"
        " such value. Restore it from a backup."
    )
)
REFERENCE = sentence(
    gettext_noop(
        "%(count)s of %(table_id)s, the first with %(key_id)s %(first_id)s, name by %(column_id)s a row of"
        " %(target_id)s that is not there. Restore that from a backup."
    )
)
NOT_TOLD = sentence(gettext_noop("what would be right cannot be told: %(error)s. Restore its rows from a backup."))
NOT_WRITTEN = sentence(
    gettext_noop("what would be right cannot be written: %(error)s. Restore its rows from a backup.")
)
PAUSE_AFTER = sentence(
    gettext_noop(
        "its job runs, and stands in its place at %(stands)s, but a pause that is open begins at %(time)s,"
        " after that. Delete the pause, or restore its times."
    )
)
_COUNTS = (
    # as faults.counted has them
    sentence(gettext_noop("%(number)s invoice")),
    sentence(gettext_noop("%(number)s invoices")),
    sentence(gettext_noop("%(number)s instant")),
    sentence(gettext_noop("%(number)s instants")),
    sentence(gettext_noop("%(number)s pause")),
    sentence(gettext_noop("%(number)s pauses")),
    sentence(gettext_noop("%(number)s row")),
    sentence(gettext_noop("%(number)s rows")),
    sentence(gettext_noop("%(number)s subscription")),
    sentence(gettext_noop("%(number)s subscriptions")),
)
_ERRORS = (
    # of accounts that are set aside, as plan.running_jobs, billing.read and customer.accounts have them
    sentence(
        gettext_noop(
            "the job of subscription %(id)s stands at %(stands)s instead of %(expected)s, the first instant of its"
            " grid after %(rest)s"
        )
    ),
    sentence(gettext_noop("subscription %(id)s costs %(price)s every %(period)s s")),
    sentence(gettext_noop("subscription %(id)s has no job")),
    sentence(gettext_noop("the job of subscription %(id)s stands before the year 1")),
    sentence(gettext_noop("its row cannot be read: %(rest)s")),
)
