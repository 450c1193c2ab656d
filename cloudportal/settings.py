"""Settings. What differs between sites comes from the environment; secrets come from 0600 files.

CLOUDPORTAL_VAR     folder of everything this site writes (default ./var)
CLOUDPORTAL_HOSTS   host names the portal answers to, separated by commas (default loopback)
CLOUDPORTAL_DEBUG   "1" for a developer's machine only
CLOUDPORTAL_SECURE  "1" where the portal is served over TLS
CLOUDPORTAL_PROXIES addresses and networks of reverse proxies whose X-Forwarded-For counts (default loopback)
CLOUDPORTAL_AUDIT_* SEAL_SECONDS, KEEP_DAYS (0: for ever), HEADS_FILE (default in CLOUDPORTAL_VAR)
DATABASE_URL        default: SQLite in CLOUDPORTAL_VAR
CLOUDPORTAL_MOUNTS  where storage of a server is mounted, the same on every host
REDIS_URL           default: redis://127.0.0.1:6379/0
EMAIL_URL           how mail is sent (cloudportal.mail); without it none is
CLOUDPORTAL_URL     the portal's address as people reach it, for links in mails
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import dj_database_url
from django.utils.translation import gettext_lazy as _

from cloudportal.mail import mail_settings

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("CLOUDPORTAL_VAR", BASE_DIR / "var")).resolve()
SECRETS = VAR / "secrets"
DEBUG = os.environ.get("CLOUDPORTAL_DEBUG") == "1"
SECURE = os.environ.get("CLOUDPORTAL_SECURE") == "1"


def _django_key() -> str:
    """The signing key; without its file one that lives as long as the process."""
    path = SECRETS / "django.key"
    return path.read_text().strip() if path.exists() else secrets.token_urlsafe(48)


SECRET_KEY = _django_key()
KEYRING_PATH = SECRETS / "keyring.json"
PORTAL_KEY_PATH = SECRETS / "portal_ed25519"  # logs in to hosts that have no key of their own
MOUNTS = Path(os.environ.get("CLOUDPORTAL_MOUNTS", "/var/lib/cloudportal/mounts"))
ALLOWED_HOSTS = os.environ.get("CLOUDPORTAL_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
TRUSTED_PROXIES = os.environ.get("CLOUDPORTAL_PROXIES", "127.0.0.0/8,::1").split(",")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "rest_framework",
    "drf_spectacular",
    "apps.core",
    "apps.accounts",
    "apps.jobs",
    "apps.zones",
    "apps.storage",
    "apps.network",
    "apps.compute",
    "apps.launch",
    "apps.portal",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.core.middleware.CompressedPages",
    "apps.core.middleware.RequestId",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.middleware.SessionSeen",
    "django.contrib.messages.middleware.MessageMiddleware",
    "apps.portal.people.looking.LookingAsAnother",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "apps.core.middleware.ContentSecurityPolicy",
    "apps.core.middleware.KeptByNobody",
]
ROOT_URLCONF = "cloudportal.urls"
ASGI_APPLICATION = "cloudportal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.portal.shell.frame",
            ]
        },
    }
]

DATABASES = {"default": dj_database_url.config(default=f"sqlite:///{VAR / 'db.sqlite3'}")}
_options = DATABASES["default"].setdefault("OPTIONS", {})  # what the URL asked for, such as sslmode
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    _options |= {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000;",
    }
else:
    _options |= {
        "pool": {"min_size": 1, "max_size": 16, "timeout": 10},
        "prepare_threshold": 1,  # of apps.core.sql; the ORM binds by itself and prepares nothing
        # A page of a list stops long before the end by which a plan is judged: compiling costs more than it.
        "options": f"-c jit=off {_options.get('options', '')}".strip(),
    }
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # a server that was restarted costs no request
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "portal:login"
LOGIN_REDIRECT_URL = "/"
PASSWORD_PLACES = {
    "local": "apps.accounts.backends.LocalPasswords",
    "directory": "apps.accounts.directory.backend.DirectoryBackend",
}
"""Where passwords are kept, by name. CLOUDPORTAL_LOGIN_ORDER says which is asked first."""
LOGIN_ORDER = os.environ.get("CLOUDPORTAL_LOGIN_ORDER", "local,directory").split(",")
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesBackend",
    *(PASSWORD_PLACES[name] for name in LOGIN_ORDER if name in PASSWORD_PLACES),
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"}
    | {"OPTIONS": {"user_attributes": ("username", "full_name", "email")}},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}
    | {"OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_FAILURES = int(os.environ.get("CLOUDPORTAL_LOGIN_FAILURES", "5"))
LOGIN_ADDRESS_FAILURES = int(os.environ.get("CLOUDPORTAL_LOGIN_ADDRESS_FAILURES", "50"))
LOGIN_LOCK_MINUTES = int(os.environ.get("CLOUDPORTAL_LOGIN_LOCK_MINUTES", "15"))
AXES_HANDLER = "apps.accounts.lockout.Handler"
AXES_FAILURE_LIMIT = LOGIN_FAILURES
AXES_COOLOFF_TIME = LOGIN_LOCK_MINUTES / 60
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address"]
AXES_USERNAME_CALLABLE = "apps.accounts.lockout.name_key"
AXES_CLIENT_IP_CALLABLE = "apps.core.client_address.address_of"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
SESSION_ENGINE = "apps.accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = int(os.environ.get("CLOUDPORTAL_HSTS_SECONDS", "31536000")) if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = os.environ.get("CLOUDPORTAL_HSTS_SUBDOMAINS") == "1"
SECURE_HSTS_PRELOAD = os.environ.get("CLOUDPORTAL_HSTS_PRELOAD") == "1"
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # whether HSTS holds for subdomains is for the domain's owner to say
    "security.W021",  # so is whether browsers ship with it
    "axes.W002",  # the login page says itself that somebody is locked out
]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
FILE_UPLOAD_TEMP_DIR = os.environ.get("CLOUDPORTAL_UPLOADS") or None

PORTAL_URL = os.environ.get("CLOUDPORTAL_URL", "")
_mail = mail_settings(os.environ.get("EMAIL_URL", ""))
MAIL_ENABLED: bool = _mail["MAIL_ENABLED"]
EMAIL_BACKEND: str = _mail["EMAIL_BACKEND"]
EMAIL_HOST: str = _mail.get("EMAIL_HOST", "")
EMAIL_PORT: int = _mail.get("EMAIL_PORT", 25)
EMAIL_HOST_USER: str = _mail.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD: str = _mail.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS: bool = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL: bool = _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT: int = _mail.get("EMAIL_TIMEOUT", 10)
DEFAULT_FROM_EMAIL: str = _mail.get("DEFAULT_FROM_EMAIL", "cloudportal@localhost")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("el", _("Greek"))]
LOCALE_PATHS = [VAR / "locale"]  # compiled there from BASE_DIR / "locale"
FORMAT_MODULE_PATH = ["cloudportal.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR / "static"
COLLECTED = (STATIC_ROOT / "staticfiles.json").exists() and not DEBUG
"""Whether `collectstatic` has run: then files are served from there, compressed and kept by browsers."""
WHITENOISE_USE_FINDERS = not COLLECTED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "apps.portal.static_files.Collected"
        if COLLECTED or "collectstatic" in sys.argv
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "retry_on_timeout": False,
    "queue_order_strategy": "priority",
}
CELERY_TASK_DEFAULT_QUEUE = "short"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR / "run" / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "workers.sweep", "schedule": 1.0, "options": {"queue": "sync", "expires": 5}},
    "sync-hosts": {"task": "workers.sync_hosts", "schedule": 5.0, "options": {"queue": "sync", "expires": 5}},
    "seal-events": {
        "task": "workers.seal_events",
        "schedule": 5.0,
        "options": {"queue": "sync", "expires": 5},
    },
    "prune-events": {
        "task": "workers.prune_events",
        "schedule": 3600.0,
        "options": {"queue": "sync", "expires": 600},
    },
    "refresh-statistics": {
        "task": "workers.refresh_statistics",
        "schedule": 3600.0,
        "options": {"queue": "sync", "expires": 600},
    },
    "close-due": {
        "task": "workers.close_due",
        "schedule": 60.0,
        "options": {"queue": "sync", "expires": 30},
    },
    "send-mails": {
        "task": "workers.send_mails",
        "schedule": 3.0,
        "options": {"queue": "short", "expires": 10},
    },
    "settle-grants": {
        "task": "workers.settle_grants",
        "schedule": 60.0,
        "options": {"queue": "sync", "expires": 30},
    },
    "recheck-grants": {
        "task": "workers.recheck_grants",
        "schedule": 600.0,
        "options": {"queue": "sync", "expires": 300},
    },
    "meter-usage": {
        "task": "workers.meter_usage",
        "schedule": 300.0,
        "options": {"queue": "sync", "expires": 240},
    },
    "check-quotas": {
        "task": "workers.check_quotas",
        "schedule": 3600.0,
        "options": {"queue": "sync", "expires": 600},
    },
    "follow-directories": {
        "task": "workers.follow_directories",
        "schedule": 60.0,
        "options": {"queue": "sync", "expires": 30},
    },
    "follow-projects": {
        "task": "workers.follow_projects",
        "schedule": 1800.0,
        "options": {"queue": "sync", "expires": 600},
    },
    "empty-trash": {
        "task": "workers.empty_trash",
        "schedule": 300.0,
        "options": {"queue": "sync", "expires": 60},
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.strict_json.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.core.rest.problem_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "DEFAULT_METADATA_CLASS": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "cloudportal",
    "VERSION": "1",
    "DESCRIPTION": "Virtual machines and the hosts, storage and networks that carry them.",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "OAS_VERSION": "3.1.0",
    "ENUM_NAME_OVERRIDES": {
        "JobState": "apps.jobs.models.JobState",
        "HostState": "apps.zones.models.HostState",
        "OwnerState": "apps.accounts.models.Standing",
        "MachineState": "apps.compute.states.State",
        "PowerState": "apps.compute.states.PowerState",
        "TemplateState": "apps.storage.models.Template.State",
        "DirectoryKind": "apps.accounts.models.Directory.Kind",
        "SyncRunKind": "apps.accounts.models.SyncRun.Kind",
        "SyncRunOutcome": "apps.accounts.models.SyncRun.Outcome",
        "HostDriver": "apps.zones.models.Host.Driver",
        "StepState": "apps.jobs.api.STEP_STATES",
        "StorageDriver": "apps.storage.mounts.DRIVERS",
        "StorageScope": "apps.storage.models.PrimaryStorage.Scope",
        "GrantScope": "apps.accounts.models.Grant.Scope",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.core.schema.describe_errors",
    ],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "paramiko": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        "django_auth_ldap": {"level": "ERROR"},
        "axes": {"level": "ERROR"},
    },
}

JOB_LEASE_SECONDS = float(os.environ.get("CLOUDPORTAL_JOB_LEASE_SECONDS", "30"))
JOB_CLAIMS_WITHOUT_PROGRESS = 5
JOB_RETRIES_WITHOUT_PROGRESS = 8
JOB_RETRY_SECONDS = float(os.environ.get("CLOUDPORTAL_JOB_RETRY_SECONDS", "2"))
JOB_RESEND_SECONDS = float(os.environ.get("CLOUDPORTAL_JOB_RESEND_SECONDS", "60"))
JOB_SWEEP_LIMIT = 200
JOB_SLOTS_PER_HOST = 4
IP_REUSE_SECONDS = int(os.environ.get("CLOUDPORTAL_IP_REUSE_SECONDS", "600"))
STOP_GRACE_SECONDS = int(os.environ.get("CLOUDPORTAL_STOP_GRACE_SECONDS", "60"))
TRASH_DAYS = 7
CLOSING_GRACE_DAYS = 14
QUOTA_WARN_PERCENT = 80
QUOTA_GRACE_PERCENT = 20
QUOTA_GRACE_DAYS = 7
USAGE_KEEP_DAYS = 400
HOST_SYNC_STALE_SECONDS = 60
HOST_RESERVE_MEMORY_MIB = 1024
MACHINE_OVERHEAD_MEMORY_MIB = 64
IDEMPOTENCY_KEY_HOURS = 24
AUDIT_HEADS_FILE = Path(os.environ.get("CLOUDPORTAL_AUDIT_HEADS_FILE", VAR / "audit" / "heads.jsonl"))
AUDIT_KEEP_DAYS = int(os.environ.get("CLOUDPORTAL_AUDIT_KEEP_DAYS", "0"))
AUDIT_SEAL_SECONDS = float(os.environ.get("CLOUDPORTAL_AUDIT_SEAL_SECONDS", "60"))
TEMPLATE_MAX_BYTES = 64 * 1024**3
TEMPLATE_MAX_VIRTUAL_BYTES = 2 * 1024**4
