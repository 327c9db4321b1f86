"""What the API's documents say of the customer's endpoints, with examples that are one story: Alifa's."""

from subscription_task.http.documents import Document

TAG = "Customers"

TOKENS = {
    "access": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.c2lnbmF0dXJl",
    "refresh": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl",
}
NOT_JSON = {"detail": "JSON parse error - Expecting value: line 1 column 1 (char 0)"}
NO_MONEY = "A whole number is required, in the smallest unit of money: an integer, or 1 to 19 digits."
BAD_KEY = {"Idempotency-Key": ["An idempotency key is 1 to 255 printable ASCII characters, in quotes or not."]}
OR_DIGITS = ". Also taken: text of 1 to 19 digits."
MISSING = "This field is required."

REGISTER = Document(
    id="registerCustomer",
    tag=TAG,
    summary="Register",
    description="Makes a customer with an account. The username may have letters and digits of any script and"
    " `@.+-_`; it is kept in its normal form (NFKC), and taken if another one differs only in case. The password"
    " has 7 characters or more, is neither common nor all digits, and is not like the names. `credit` is what the"
    " account begins with; where customers may not credit themselves it must be 0.",
    answer="The customer.",
    requests={
        "Alifa": {
            "username": "Alifa",
            "password": "ali1380",
            "first_name": "ali",
            "last_name": "fa",
            "credit": 350000,
        },
        "No more than is needed": {"username": "sara", "password": "a good secret"},
    },
    answers={
        "Alifa": {
            "customer": {"id": 1, "username": "Alifa", "first_name": "ali", "last_name": "fa", "credit": 350000},
            "message": "Customer registered.",
        }
    },
    errors={
        400: {
            "The name is taken": {"username": ["A customer with that username already exists."]},
            "Several fields": {"username": [MISSING], "credit": [NO_MONEY]},
            "Weak password": {
                "password": [
                    "This password is too short. It must contain at least 7 characters.",
                    "This password is too common.",
                    "This password is entirely numeric.",
                ]
            },
            "No JSON": NOT_JSON,
        }
    },
)

LOG_IN = Document(
    id="logIn",
    tag=TAG,
    summary="Log in",
    description="Gives an access token, which all operations on one's own things want as `Authorization: Bearer …`"
    " and which is good for 30 minutes, and a refresh token, which is good for a day. The case of the username does"
    " not matter. Failed logins are limited always: after 10 in a minute, of one name from one address, all get 429"
    " until `Retry-After`, with the right password too. Logins that succeed are not counted.",
    answer="Two tokens.",
    requests={"Alifa": {"username": "Alifa", "password": "ali1380"}},
    answers={"Tokens": TOKENS},
    errors={
        400: {"A field is missing": {"password": [MISSING]}, "No JSON": NOT_JSON},
        401: {"Wrong password": {"detail": "No active account found with the given credentials"}},
    },
    links={
        "refresh": {
            "operationId": "refreshToken",
            "description": "A new access token for the `refresh` of this answer, before the one here expires.",
        }
    },
)

REFRESH = Document(
    id="refreshToken",
    tag=TAG,
    summary="Get a new access token",
    description="As often as wanted, until the refresh token expires, the password is changed, or the customer is"
    " deactivated.",
    answer="An access token, good for 30 minutes.",
    requests={"A refresh token": {"refresh": TOKENS["refresh"]}},
    answers={"A token": {"access": TOKENS["access"]}},
    errors={
        400: {"It is missing": {"refresh": [MISSING]}, "No JSON": NOT_JSON},
        401: {"Expired, or none of ours": {"detail": "Token is invalid", "code": "token_not_valid"}},
    },
)

INCREASE_CREDIT = Document(
    id="increaseCredit",
    tag=TAG,
    summary="Add credit",
    description="Adds `credit` to what the account holds. What is due at this moment is billed first; subscriptions"
    " that were paused for want of credit resume where it now covers their price, and are billed from their next"
    " instant on. What was paused is never billed.\n\n"
    "Send an `Idempotency-Key` to be able to send the request again where no answer came.",
    answer="The new balance.",
    replays=True,
    requests={"3000 more": {"credit": 3000}},
    answers={"The new balance": {"credit": 353000}},
    errors={
        400: {
            "No amount": {"credit": [NO_MONEY]},
            "Too little": {"credit": ["Must be from 1 to 9223372036854775807."]},
            "Too much": {
                "credit": ["This would take all that was ever put into the account over 9223372036854775807."]
            },
            "Bad key": BAD_KEY,
            "No JSON": NOT_JSON,
        },
        403: {"Not here": {"detail": "Customers cannot add credit themselves here."}},
    },
)

PROFILE = Document(
    id="getProfile",
    tag=TAG,
    summary="Who I am",
    description="The customer of the token, with the credit and the time of registration.",
    answer="The customer.",
    answers={
        "Alifa": {
            "id": 1,
            "username": "Alifa",
            "first_name": "ali",
            "last_name": "fa",
            "credit": 353000,
            "joined": "2030-01-01T12:00:00.250000Z",
        }
    },
)

PASSWORD = Document(
    id="changePassword",
    tag=TAG,
    summary="Change the password",
    description="All tokens given before end at once, on every device; the answer has new ones. A wrong `old_password`"
    " counts as a failed login.",
    answer="Two new tokens.",
    requests={"A better one": {"old_password": "ali1380", "new_password": "four words and more"}},
    answers={"Tokens": TOKENS},
    errors={
        400: {
            "Not the password": {"old_password": ["This is not your password."]},
            "Too weak": {"new_password": ["This password is too common."]},
            "No JSON": NOT_JSON,
        }
    },
)

_NAME = "As you like; operators see it."
_PASSWORD = {
    "description": "At least 7 characters, and not digits alone. Spaces count.",
    "minLength": 7,
    "pattern": r"\D",
}
_CUSTOMER = {
    "id": "The customer's id.",
    "username": {"description": "In its normal form."},  # the model's help is for who chooses one
    "first_name": _NAME,
    "last_name": _NAME,
    "credit": "What is left to be spent.",
}
FIELDS = {
    "Registration": {
        "username": {
            "description": "1 to 150 letters and digits of any script, and `@.+-_`.",
            # Which letters there are is in no pattern that all languages read; all of ASCII that is none is.
            "pattern": r"""^[^\s!"#$%&'()*,/:;<=>?\[\]\\^`{|}~]+$""",
        },
        "password": _PASSWORD,
        "first_name": _NAME,
        "last_name": _NAME,
        "credit": f"What the account begins with, in the smallest unit of money{OR_DIGITS}",
    },
    "Registered": {"message": "For a person, in the language of `Accept-Language`."},
    "Customer": _CUSTOMER,
    "Profile": {**_CUSTOMER, "joined": "When the customer registered."},
    "Login": {"username": "In whatever case.", "password": "To the letter."},
    "TopUp": {"credit": f"The amount to add{OR_DIGITS}"},
    "Refresh": {"refresh": "The refresh token of a login."},
    "PasswordChange": {"old_password": "The one that is.", "new_password": _PASSWORD},
}
"""What fields are, where their serializers do not say, and what their validators want."""
