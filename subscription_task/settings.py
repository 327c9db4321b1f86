"""Django's settings. What the environment decides stands at the top; the README has a table of it."""

import re
import ssl
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from subscription_task import database, environment, logs

BASE_DIR = Path(__file__).resolve().parent.parent

# --- from the environment -----------------------------------------------------------------------

DEBUG = environment.switch("DJANGO_DEBUG", True)
SECRET_KEY = environment.text("DJANGO_SECRET_KEY", "")
ALLOWED_HOSTS = environment.words(
    "DJANGO_ALLOWED_HOSTS",
    [],
    each=r"\*|\.?[\w.-]+|\[[0-9a-fA-F:]+\]",
    remedy="it takes host names with commas between them, without scheme and port",
)
CSRF_TRUSTED_ORIGINS = environment.words(
    "DJANGO_CSRF_TRUSTED_ORIGINS",
    [],
    each=r"https?://[^\s/]+",
    remedy="it takes origins such as https://billing.example with commas between them",
)
CORS_ALLOWED_ORIGINS = environment.words(
    "CORS_ALLOWED_ORIGINS",
    [],
    # As a browser writes its own: in lower case, and without the port that the scheme has by itself.
    each=r"(?!http://[^/]*:80$)(?!https://[^/]*:443$)[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:]+\])(:[0-9]+)?",
    remedy="it takes origins such as https://shop.example with commas between them, in lower case and without a path",
)
DATABASES = {"default": environment.database("DATABASE_URL", BASE_DIR / "db.sqlite3")}
DATABASE_POOL = environment.whole_number("DATABASE_POOL", 0, least=0, most=1000)
INVOICE_PERIOD = environment.whole_number("INVOICE_PERIOD", 600, least=1, most=31_536_000)
SCHEDULER = environment.one_of("SCHEDULER", "auto", ["auto", "off"])
INVOICE_ENGINE = environment.one_of("INVOICE_ENGINE", "local", ["local", "celery"])
CELERY_BROKER_URL = environment.broker("CELERY_BROKER_URL")
CELERY_TASK_DEFAULT_QUEUE = environment.word("CELERY_QUEUE", "billing")
SELF_SERVICE_TOP_UP = environment.switch("SELF_SERVICE_TOP_UP", True if DEBUG else None)
RATE_LIMITS = environment.switch("RATE_LIMITS", not DEBUG)
TRUSTED_PROXIES = environment.whole_number("TRUSTED_PROXIES", 0, least=0, most=10)
HTTPS = environment.switch("DJANGO_HTTPS", not DEBUG)
METRICS_TOKEN = environment.text("METRICS_TOKEN", "")

if not DEBUG:
    for name, missing, remedy in (
        ("DJANGO_SECRET_KEY", not SECRET_KEY, "a random text of 50 characters or more"),
        ("DJANGO_ALLOWED_HOSTS", not ALLOWED_HOSTS, "the host names served, with commas"),
        ("SELF_SERVICE_TOP_UP", SELF_SERVICE_TOP_UP is None, "on where customers may credit themselves, else off"),
    ):
        if missing:
            raise ImproperlyConfigured(f"{name} must be set where DJANGO_DEBUG is off: {remedy}")
if SECRET_KEY and len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("DJANGO_SECRET_KEY is too short: it takes 32 characters or more")
if METRICS_TOKEN and not re.fullmatch(r"[A-Za-z0-9._~+/-]{20,}=*", METRICS_TOKEN):
    # It is a secret, so it is not repeated.
    raise ImproperlyConfigured("METRICS_TOKEN makes no sense: it takes 20 or more letters, digits and signs of ._~+/-")
if INVOICE_ENGINE == "celery":
    if find_spec("celery") is None:
        raise ImproperlyConfigured("INVOICE_ENGINE=celery needs Celery: pip install -r requirements-celery.txt")
    if not CELERY_BROKER_URL:
        raise ImproperlyConfigured(
            "CELERY_BROKER_URL must be set where INVOICE_ENGINE is celery: amqp://user:password@host:port/vhost"
            " or redis://:password@host:port/0"
        )
SECRET_KEY = SECRET_KEY or environment.development_key(BASE_DIR / ".secret_key")

# --- the application ----------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # before the admin, whose templates it replaces
    "unfold.contrib.filters",
    "subscription_task.admin.BillingAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_apscheduler",
    "customer",
    "subscription",
    "invoice",
    "operators",
    "django.contrib.staticfiles",  # after `operators`, whose runserver goes before its own
]
MIDDLEWARE = [
    "subscription_task.http.requests.RequestLog",
    "subscription_task.http.headers.SecurityHeaders",
    # Before all that refuses, so that a page of an allowed origin can read what was refused; Vary only where it is on.
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "subscription_task.health.Health",
    "operators.monitoring.Monitoring",
    "subscription_task.http.language.Language",  # probes are in English, whatever is refused from here on is not
    "django.middleware.security.SecurityMiddleware",
    # runserver serves static files itself; in production they are what collectstatic has collected.
    *([] if DEBUG else ["whitenoise.middleware.WhiteNoiseMiddleware"]),
    "customer.limits.UnknownPaths",
    "subscription_task.http.middleware.AnyOfOurPaths",
    "subscription_task.http.middleware.BodyLimit",
    "subscription_task.http.sessions.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "customer.limits.RateLimits",
]
ROOT_URLCONF = "subscription_task.urls"
APPEND_SLASH = False  # AnyOfOurPaths serves both spellings; a redirect would lose the body of a PUT
WSGI_APPLICATION = "subscription_task.development.application"  # runserver's; wsgi.py is for production alone
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "subscription_task" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["subscription_task.formats.tags"],  # times and numbers as the language writes them
        },
    },
]

# --- the database -------------------------------------------------------------------------------

_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a DEFERRED transaction that reads before it writes ends in "database is locked".
    # synchronous FULL: an answered change survives power loss, which NORMAL does not promise under WAL.
    _database["OPTIONS"] = {
        "timeout": 20,  # less than the 30 s after which gunicorn gives a worker up
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    # On a file, so that tests too can use several connections. The name is one for each process of a run.
    _database["TEST"] = {"NAME": f"{_database['NAME']}.test"}
else:
    # Without a pool, a connection for each thread that asks, which is kept: as many as there ever were threads at once.
    _database["CONN_MAX_AGE"] = 0 if DATABASE_POOL else 60
    _database["CONN_HEALTH_CHECKS"] = True
    # A server that has gone silent, without closing the connection, is noticed within seconds.
    _database["OPTIONS"] = {
        "connect_timeout": 5,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
        **_database.get("OPTIONS", {}),
        "options": database.options(_database.get("OPTIONS", {}).get("options", "")),
    }
    if DATABASE_POOL:
        _database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": DATABASE_POOL, "timeout": 10}
    # A cursor of the server belongs to a session, and a pooler gives each transaction another one.
    _database["DISABLE_SERVER_SIDE_CURSORS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- who may do what ----------------------------------------------------------------------------

AUTH_USER_MODEL = "customer.Customer"
LOGIN_REDIRECT_URL = "admin:index"  # where a login goes that asks to be led elsewhere
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    # Seven, since the API's published example has seven characters.
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 7}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# OWASP's first choice; what was hashed with Django's default before goes over to it at the next login.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "AUTH_TOKEN_CLASSES": ["customer.tokens.AccessToken"],
    "LEEWAY": 10,  # seconds by which the clock of the host that gave a token may be ahead; a token's end is exact
    "CHECK_REVOKE_TOKEN": True,  # a change of password ends all tokens given before
}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_FAILURE_VIEW = "subscription_task.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
MAX_BODY_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# --- which pages elsewhere may use the API, where CORS_ALLOWED_ORIGINS names any -----------------

CORS_URLS_REGEX = r"^/(?!(admin|metrics)(/|$))"  # what belongs to operators is for no other page
CORS_ALLOW_HEADERS = (
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "idempotency-key",
    "x-request-id",
    "x-requested-with",
)
CORS_EXPOSE_HEADERS = (
    "Content-Disposition",
    "Idempotency-Replayed",
    "Link",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
)
CORS_PREFLIGHT_MAX_AGE = 7200  # seconds; no browser keeps an answer for longer

# --- the API ------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["customer.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "subscription_task.http.negotiation.ByAccept",
    "DEFAULT_PARSER_CLASSES": [
        "subscription_task.http.parsers.BoundedJSONParser",
        "rest_framework.parsers.FormParser",
        "subscription_task.http.parsers.FormWithFilesParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "subscription_task.http.documents.DocumentedSchema",
    "NUM_PROXIES": TRUSTED_PROXIES,
    "EXCEPTION_HANDLER": "subscription_task.errors.handle",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Prepaid subscription billing",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVERS": [{"url": "http://localhost:8000", "description": "make run"}],
    "TAGS": [
        {"name": "Customers", "description": "Who pays: registering, logging in, the credit and what became of it."},
        {"name": "Subscriptions", "description": "What is paid for: created, switched on and off."},
        {"name": "Invoices", "description": "What was charged, and what will be."},
    ],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "subscription_task.documents.complete"],
    "SORT_OPERATIONS": False,  # in the order of the paths
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,  # labels are for the admin
    "PATH_CONVERTER_OVERRIDES": {"int": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 2**63 - 1}},
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],  # to anybody, whatever token is sent
    "ENUM_NAME_OVERRIDES": {
        "PausedBecauseEnum": "subscription.models.Pause.Reason",
        "EventEnum": "customer.accounts.Event",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "/static/operators/favicon.svg",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "defaultModelsExpandDepth": -1,
        "validatorUrl": None,  # else the schema goes to swagger.io
    },
    "REDOC_DIST": "SIDECAR",
}

# --- the admin ----------------------------------------------------------------------------------

UNFOLD = {
    "SITE_TITLE": _("Billing"),
    "SITE_HEADER": _("Billing"),
    "SITE_SUBHEADER": _("Operations"),
    "SITE_SYMBOL": "payments",
    "SITE_URL": None,  # the API has no pages
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "subscription_task.admin.favicon"}],
    "ENVIRONMENT": "subscription_task.admin.environment",
    "COLORS": {"primary": {"500": "#bb6bff"}},  # unfold's own is too dark to read on its dark pages
    "STYLES": ["subscription_task.admin.style"],
    "SCRIPTS": ["subscription_task.admin.script"],
    "SHOW_LANGUAGES": True,
    "LOGIN": {"form": "customer.admin_forms.LoginForm"},
    "SIDEBAR": {
        "navigation": "subscription_task.admin.navigation",
        "show_search": True,
        "command_search": True,  # Ctrl-K, on every page
    },
    "COMMAND": {"search_callback": "customer.admin_search.customers"},
    "DASHBOARD_CALLBACK": "operators.dashboard.context",
}

# --- Celery, where INVOICE_ENGINE is celery -----------------------------------------------------

CELERY_APPLICATION = "subscription_task.celery.app"
# A hint that its worker did not live to finish goes to another. It says so little that nothing else is kept of it.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_DELIVERY_MODE = "transient"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # nobody steers workers through the broker
# A worker waits for its broker, for ever, and notices within seconds when it is cut off.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_HEARTBEAT = 10
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 60
}  # seconds: Redis then gives a lost worker's hint to another
# With TLS the broker's certificate and name are checked, which is not the libraries' default.
CELERY_BROKER_USE_SSL = {
    "amqps": {"server_hostname": urlsplit(CELERY_BROKER_URL).hostname},
    "rediss": {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True},
}.get(CELERY_BROKER_URL.partition(":")[0])

# --- the rest -----------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fa", "فارسی")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = "subscription_task.formats"
# Operators may choose another language than their browser's, for the admin alone.
LANGUAGE_COOKIE_NAME, LANGUAGE_COOKIE_PATH = "admin_language", "/admin/"
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_HTTPONLY, LANGUAGE_COOKIE_SAMESITE, LANGUAGE_COOKIE_SECURE = True, "Lax", HTTPS
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "subscription_task" / "static"]
LOGGING = logs.configuration(readable=DEBUG)
