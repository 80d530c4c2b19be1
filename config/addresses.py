"""Where the database and the broker are, in the spellings that Django, redis-py and Celery want."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


class BadAddress(ValueError):
    """An address that cannot be used; the message is a whole sentence for the operator."""


def database_of(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for a libpq URI such as `postgresql://user:password@host:5432/name?sslmode=require`.

    As in libpq, `host`, `port`, `user`, `password` and `dbname` may stand in the query (a socket folder must:
    `postgresql:///name?host=/run/postgresql`); every other parameter is handed to libpq as it is.
    `prepare_threshold=none` has no statement prepared, for a pooler that forgets them between transactions.
    Raises BadAddress when it is not PostgreSQL or names no database.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise BadAddress("DATABASE_URL must begin with postgresql:// because Duban runs on PostgreSQL only.")
    query = dict(parse_qsl(parts.query))
    try:
        port = parts.port
    except ValueError:
        raise BadAddress("DATABASE_URL names a port that is not a number.") from None
    name = query.pop("dbname", "") or unquote(parts.path.removeprefix("/"))
    if not name:
        raise BadAddress(
            "DATABASE_URL names no database: write it as postgresql://user:password@host:5432/name."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": query.pop("user", "") or unquote(parts.username or ""),
        "PASSWORD": query.pop("password", "") or unquote(parts.password or ""),
        "HOST": query.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": query.pop("port", "") or (str(port) if port else ""),
        "OPTIONS": {
            "connect_timeout": 5,
            "prepare_threshold": None if query.pop("prepare_threshold", "") == "none" else 0,
            "options": "-c plan_cache_mode=force_generic_plan",
            **query,
        },
    }


def broker_of(url: str) -> str:
    """Celery's spelling of a redis-py address: `unix:///path?db=3` becomes `redis+socket:///path?virtual_host=3`.

    Raises BadAddress unless it is redis://, rediss:// or unix://.
    """
    parts = urlsplit(url)
    if parts.scheme in ("redis", "rediss"):
        return url
    if parts.scheme != "unix":
        raise BadAddress("REDIS_URL must begin with redis://, rediss:// or unix:// (a socket's path).")
    return f"redis+socket://{parts.path}?virtual_host={dict(parse_qsl(parts.query)).get('db', '0')}"
