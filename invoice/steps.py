"""What a diagnosis says of an account, and its repair: kept in English, shown in the language of the page."""

from django.utils.translation import gettext_noop

from subscription_task.formats.sentences import sentence

NOTHING = sentence(gettext_noop("Nothing is wrong."))
BY_HAND = sentence(gettext_noop("Nothing is repaired before this is mended by hand:"))
AFTER = sentence(gettext_noop("After that: %(rest)s"))
OPENED = sentence(gettext_noop("The account is opened."))
BILLED = sentence(gettext_noop("What is due is billed: %(count)s instants, if the credit lasts."))
BILLED_ONE = sentence(gettext_noop("What is due is billed: %(count)s instant, if the credit lasts."))
BECOMES = sentence(gettext_noop("%(column)s becomes %(proved)s, not %(stands)s: %(why)s."))
COLUMNS = (gettext_noop("credit"), gettext_noop("deposited"), gettext_noop("invoice_count"))
COLUMNS += (gettext_noop("invoice_total"), gettext_noop("settled_until"))
DIFFERENCE = sentence(gettext_noop("the ledger's %(ledger)s less the invoices' %(charged)s"))
PUT_IN = sentence(gettext_noop("the sum of the positive ledger entries"))
NUMBER = sentence(gettext_noop("the number of the invoices"))
CHARGED = sentence(gettext_noop("the sum of the invoices"))
IN_PLACE = sentence(gettext_noop("every job stands where its invoices and pauses end"))
SUBSCRIPTION = sentence(gettext_noop("subscription %(id)s"))
THEN_PAUSED = sentence(gettext_noop("The job of %(subscription)s is then paused, as the rule wants it."))
THEN_GOES_ON = sentence(
    gettext_noop(
        "The job of %(subscription)s then goes on, as the rule wants it: it is active, and the credit covers its price."
        " What was withheld from %(time)s until then is never billed."
    )
)
MADE_PAUSED = sentence(gettext_noop("The job of %(subscription)s is made again, paused."))
MADE = sentence(gettext_noop("The job of %(subscription)s is made again, at %(time)s."))
PAUSED = sentence(gettext_noop("The job of %(subscription)s is paused, as it is on record from %(time)s on."))
RUNS = sentence(
    gettext_noop("The job of %(subscription)s, which nothing on record pauses, runs again, from %(time)s on.")
)
MOVES = sentence(gettext_noop("The job of %(subscription)s moves from %(stood)s to %(time)s."))
ENDS = sentence(gettext_noop("The open pause of %(subscription)s ends at %(time)s, where it went on."))
RECORDED = sentence(gettext_noop("A pause of %(subscription)s is recorded, %(because)s, from %(time)s on."))
BECAUSE = (gettext_noop("deactivated"), gettext_noop("insufficient credit"))
