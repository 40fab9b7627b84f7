"""The only settings file: every value from the environment through env.py, no logic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF

from meshline import env

BASE_DIR = Path(__file__).resolve().parent.parent
# Templates and static files: in an installed wheel they lie in the package (tools/packing.py).
_PACKED = BASE_DIR / "meshline" / "site"
SITE_DIR = _PACKED if _PACKED.is_dir() else BASE_DIR

# Plain http on a loopback address: the demo, development and tests. Never in production.
INSECURE_LOOPBACK = env.flag("MESHLINE_INSECURE_LOOPBACK")
SECURE = not INSECURE_LOOPBACK
DEBUG = env.flag("MESHLINE_DEBUG")
SECRET_KEY = env.long_text("MESHLINE_SECRET_KEY", 50)
ALLOWED_HOSTS = env.words(
    "MESHLINE_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if INSECURE_LOOPBACK else ""
)
CONSOLE_URL = env.url("MESHLINE_CONSOLE_URL", "")
# Whose console this is; empty: nobody is named.
ORGANISATION = env.text("MESHLINE_ORGANISATION", "")
# Whether published contracts are read without signing in; what is private in them never is.
PUBLIC_CATALOGUE = env.flag("MESHLINE_PUBLIC_CATALOGUE")

# --- Apps -----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "meshline.console",
    "meshline.api",
    "runbooks",
    "orchestration",
    "contracts_app",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_celery_beat",
    "django_htmx",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "meshline.origin.OriginMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "meshline.console.middleware.SessionLimitsMiddleware",
    "meshline.console.middleware.ZoneMiddleware",
    # Refusal is the default: a view that anyone may see says @login_not_required.
    "meshline.console.middleware.DoorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "meshline.api.nul.NulMiddleware",
]
ROOT_URLCONF = "meshline.urls"
WSGI_APPLICATION = "meshline.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [SITE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "meshline.console.context.frame",
            ],
        },
    },
]

# --- PostgreSQL: the truth ------------------------------------------------------------------
_STATEMENT_TIMEOUT_MS = round(env.seconds("MESHLINE_STATEMENT_TIMEOUT_S", 30) * 1000)
_LOCK_TIMEOUT_MS = round(env.seconds("MESHLINE_LOCK_TIMEOUT_S", 10) * 1000)
_CONNECTION: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": env.text("MESHLINE_PROCESS", "meshline"),
    "options": (
        f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c lock_timeout={_LOCK_TIMEOUT_MS}"
        " -c idle_in_transaction_session_timeout=60000"
    ),
}
_APPLICATION = env.database("DATABASE_URL")
_OWNER = env.database("MIGRATE_DATABASE_URL", env.text("DATABASE_URL"))
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **_APPLICATION,
        # No pool: Celery closes it at every prefork task. Connections live with their thread.
        "CONN_MAX_AGE": env.whole("MESHLINE_CONNECTION_AGE_S", 600),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**_CONNECTION, **_APPLICATION["OPTIONS"]},
    },
    "owner": {
        **_OWNER,
        "OPTIONS": {**_CONNECTION, **_OWNER["OPTIONS"]},
        "TEST": {"MIRROR": "default"},
    },
}
# The role that migrations grant rights to, by name.
APPLICATION_ROLE = env.text("MESHLINE_APPLICATION_ROLE", _APPLICATION["USER"])

# --- Celery: wake-ups only ------------------------------------------------------------------
BROKER_URL = env.url("BROKER_URL", schemes=("redis", "rediss", "redis+socket"))

# --- People ---------------------------------------------------------------------------------
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]
LOGIN_URL = "console:signin"
LOGIN_REDIRECT_URL = "/"
# A session ends when nobody has asked for a page for so long, and after SESSION_COOKIE_AGE anyway.
SESSION_IDLE_S = 8 * 3600
SESSION_IDLE_ADMIN_S = 30 * 60
LOGOUT_REDIRECT_URL = "console:signin"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "meshline_session"
SESSION_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "meshline_csrf"
CSRF_COOKIE_SECURE = SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"

# --- Browser --------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = SECURE and env.flag("MESHLINE_REDIRECT_TO_HTTPS", True)
# The API refuses what comes without TLS by itself (meshline/api/base.py): it has no redirects.
SECURE_REDIRECT_EXEMPT = [r"^api/"]
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("MESHLINE_BEHIND_PROXY") else None
)
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# W021: entering browsers' preload list is for the owner of the domain to decide.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Files ----------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [SITE_DIR / "static"]
# On loopback files are served where they lie; elsewhere hashed copies made by collectstatic.
_COLLECTED = (Path.cwd() if SITE_DIR == _PACKED else BASE_DIR) / "staticfiles"
STATIC_ROOT = env.text("MESHLINE_STATIC_ROOT", str(_COLLECTED)) if SECURE else None
WHITENOISE_USE_FINDERS = INSECURE_LOOPBACK
WHITENOISE_AUTOREFRESH = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if INSECURE_LOOPBACK
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- API ------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
}
# Deliveries of one sender to one source; 0 sets no limit.
# A sign-off counts for so many days; then its owner signs again.
SIGNOFF_DAYS = env.whole("MESHLINE_SIGNOFF_DAYS", 30)
INGEST_RATE_PER_S = env.whole("MESHLINE_INGEST_RATE_PER_S", 200)
INGEST_BURST = env.whole("MESHLINE_INGEST_BURST", 1000)

# --- Time and language ----------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
# Of readers whose browser has not told its zone.
CONSOLE_ZONE = env.zone("MESHLINE_ZONE", "Europe/Berlin")
LANGUAGE_CODE = "en"
USE_I18N = False
FORMAT_MODULE_PATH = ["meshline.formats"]

# --- Outside systems ------------------------------------------------------------------------
# `<name>.base_url` and `<name>.token` of every system that a connector talks to.
SYSTEMS = {
    name: {
        "base_url": env.url(f"MESHLINE_{name.upper()}_URL", "", ("http", "https", "smtp", "smtps")),
        "token": env.text(f"MESHLINE_{name.upper()}_TOKEN", ""),
    }
    for name in ("helpdesk", "billing", "shop", "mail", "mail_log", "pager")
}
SYSTEMS["mail"]["sender"] = env.text("MESHLINE_MAIL_SENDER", "")
CALL_TIMEOUT_S = env.seconds("MESHLINE_CALL_TIMEOUT_S", 10)
LEASE_S = env.seconds("MESHLINE_LEASE_S", 30)
SECRET_KEYS = env.sealing_keys("MESHLINE_SECRET_KEYS")
SANDBOX_URL = env.url("SANDBOX_URL", "")
SUPERVISOR_URL = env.url("SUPERVISOR_URL", "")
# The demo's people and passwords, shown at its sign-in; never where the console has https.
PILOT_LOGINS = env.text("MESHLINE_PILOT_LOGINS", "") if SANDBOX_URL and INSECURE_LOOPBACK else ""

# --- Logs -----------------------------------------------------------------------------------
LOG_LEVEL = env.level("MESHLINE_LOG_LEVEL", "INFO")
# Django hands LOGGING, a level's name, to this function, which writes JSON lines.
LOGGING_CONFIG = "meshline.core.logs.configure"
LOGGING = LOG_LEVEL
