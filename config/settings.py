"""Every setting, from the environment.

Production needs DATABASE_URL, REDIS_URL, SECRET_KEY and ALLOWED_HOSTS and does not start without them.
With DUBAN_DEMO=1 (which `make run` and the tests set) what is missing is supplied: the embedded servers'
addresses, a secret of this machine's own, the loopback names.

Also read: CSRF_TRUSTED_ORIGINS, SITE_URL, STATIC_ROOT, LOG_LEVEL, EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER,
EMAIL_HOST_PASSWORD, EMAIL_USE_TLS, EMAIL_USE_SSL, DEFAULT_FROM_EMAIL, MEDIA_ROOT, PG_BIN, DUBAN_HOME,
DUBAN_BROKER_PREFIX.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from config import home
from config.addresses import BadAddress, broker_of, database_of

BASE_DIR = Path(__file__).resolve().parent.parent


def _words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def _switch(name: str) -> bool:
    return os.environ.get(name, "").lower() in ("1", "true", "yes", "on")


DUBAN_DEMO = os.environ.get("DUBAN_DEMO") == "1"
DUBAN_HOME = home.home_folder()

if not DUBAN_DEMO:
    _missing = [
        n for n in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS") if not os.environ.get(n)
    ]
    if _missing:
        raise SystemExit(
            f"Duban does not start: {', '.join(_missing)} must be set in the environment"
            " (for a trial with its own database and demonstration data use `make run`)."
        )

DEBUG = DUBAN_DEMO and _switch("DUBAN_DEBUG")
SECRET_KEY = os.environ.get("SECRET_KEY") or home.secret(DUBAN_HOME)
ALLOWED_HOSTS = _words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = _words("CSRF_TRUSTED_ORIGINS")
SITE_URL = os.environ.get("SITE_URL", "").rstrip("/") or (
    f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
    if DUBAN_DEMO
    else f"https://{ALLOWED_HOSTS[0].lstrip('.')}"
)

try:
    _database = database_of(os.environ.get("DATABASE_URL") or home.database_url(DUBAN_HOME))
    REDIS_URL = os.environ.get("REDIS_URL") or home.broker_url(DUBAN_HOME)
    CELERY_BROKER_URL = broker_of(REDIS_URL)
except BadAddress as fault:
    raise SystemExit(f"Duban does not start: {fault}") from None

# --- Django -----------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "csp",
    "axes",
    # Both must stay: the flow base class imports the stock models, which without "viewflow.workflow" would
    # register themselves under another label and make makemigrations write into site-packages.
    "viewflow",
    "viewflow.workflow",
    "organisation",
    "calendars",
    "workflows",
    "notifications",
    "supervision.schemes",
    "supervision.goals",
    "supervision.reports",
    "supervision.orders",
    "supervision.rectification",
    "supervision.desk",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "organisation.middleware.LanguageOfPerson",
    "organisation.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "supervision.desk.middleware.SessionEnded",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "config.apps_of_others.OwnTemplates",
                            ],
                        )
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "supervision.desk.queries.chrome.chrome",
            ],
        },
    }
]

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **_database,
        # A web thread keeps its connection between requests and looks whether it still lives before using it.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"NAME": os.environ.get("DUBAN_TEST_DB", "test_duban")},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

STATIC_URL = "/static/"
STATIC_ROOT = os.environ.get("STATIC_ROOT") or (None if DUBAN_DEMO else str(BASE_DIR / "staticfiles"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "config.apps_of_others.OwnStatics",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # The demonstration serves the files where they lie; production collects them under hashed names.
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DUBAN_DEMO
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DUBAN_DEMO
WHITENOISE_AUTOREFRESH = DUBAN_DEMO
MEDIA_ROOT = os.environ.get("MEDIA_ROOT", str(DUBAN_HOME / "files"))

# --- Who signs in -----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "organisation.Person"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "organisation.sign_in.PersonBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = LOGIN_URL

# Five failures for one name from one address lock that pair for half an hour (GB/T 22239-2019 8.1.4.1 b).
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.5  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_VERBOSE = False

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "duban_session"
SESSION_COOKIE_AGE = 8 * 60 * 60  # seconds: one working day
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = not DUBAN_DEMO
CSRF_FAILURE_VIEW = "supervision.desk.views.answers.token_was_old"
CSRF_COOKIE_NAME = "duban_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = not DUBAN_DEMO

# --- What the browser may do ------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = not DUBAN_DEMO
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 0 if DUBAN_DEMO else 365 * 24 * 60 * 60
# Whether its subdomains and the browsers' preload list are to be bound as well is for the domain's owner to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Backup -----------------------------------------------------------------------------------------------


def _postgres_programs() -> str:
    if DUBAN_DEMO and "PG_BIN" not in os.environ:
        from config.embedded import CannotStart, postgres_binaries

        with suppress(CannotStart):
            return str(postgres_binaries())
    return os.environ.get("PG_BIN", "")


PG_BIN = _postgres_programs()
"""The folder with pg_dump and pg_restore, which must not be older than the server; empty: the usual places are searched."""

# --- Rounds -----------------------------------------------------------------------------------------------

VIEWFLOW = {"AUTOREGISTER": False}

# --- Mail -------------------------------------------------------------------------------------------------

if DUBAN_DEMO and not os.environ.get("EMAIL_HOST"):
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(DUBAN_HOME / "mail")
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _switch("EMAIL_USE_TLS")
EMAIL_USE_SSL = _switch("EMAIL_USE_SSL")
EMAIL_TIMEOUT = 20  # seconds: below half a delivery's lease
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "duban@localhost")

# --- Celery: a doorbell, it holds nothing -----------------------------------------------------------------

# Rows with leases give recovery; acknowledging late would only add duplicates and poison loops.
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "duban"
CELERY_TASK_TIME_LIMIT, CELERY_TASK_SOFT_TIME_LIMIT = 120, 100  # seconds, always below visibility_timeout
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Nobody waits for the result of a process that has died. By default its place stays taken for ten seconds: two deaths, and
# nothing is swept meanwhile.
CELERY_WORKER_LOST_WAIT = 0.5
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_ACCEPT_CONTENT = ["json"]  # never pickle: whoever writes to the broker would run code
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,  # above kombu's brpop timeout of 1 s
    "socket_connect_timeout": 2,
    "health_check_interval": 10,
    # Lets several installations (or test runs) share one server.
    "global_keyprefix": os.environ.get("DUBAN_BROKER_PREFIX", ""),
}
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(DUBAN_HOME / "beat-schedule")
# Ticks carry no argument, do no harm when doubled or missed, and expire: a week's backlog runs nothing.
CELERY_BEAT_SCHEDULE = {
    name: {"task": task, "schedule": seconds, "options": {"expires": 2 * seconds}}
    for name, task, seconds in (
        ("sweep", "workflows.tasks.sweep", 5),
        ("count", "workflows.tasks.count", 5),
        ("deliver", "notifications.tasks.deliver", 5),
        ("heartbeat", "workflows.tasks.heartbeat", 15),
        ("audit", "workflows.tasks.audit", 60),
        # Hourly so that a night without a worker costs nothing; the task seals each day once.
        ("seal", "workflows.tasks.seal", 3600),
    )
}

# --- Log --------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    "loggers": {
        # Django's own handler for these would print a second time.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        # Whoever asks under a strange name gets 400; a traceback for each would drown the log.
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
        "celery.app.trace": {"level": "WARNING"},  # two lines for every tick otherwise
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
