"""An Optuna storage URL, checked before a study starts."""

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from ablations.errors import SettingError

PASSWORDS = ("password", "passwd", "pwd", "sslpassword")
"""In a URL's query; drivers take them there, too."""
PACKAGES = {
    "psycopg2": "psycopg2-binary",
    "psycopg": "psycopg[binary]",
    "pymysql": "pymysql",
    "MySQLdb": "mysqlclient",
}


def check_storage_url(url: str) -> str:
    """The URL, if Optuna can use it and it holds no secret.

    Raises:
        SettingError: It holds a password, names no database, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
        if parsed.password is not None or any(name in parsed.query for name in PASSWORDS):
            # Command lines are readable by every user of a machine.
            raise SettingError(
                "`storage` must not hold a password. Put it into a password file "
                "and leave it out of the URL: PGPASSFILE for PostgreSQL; for MySQL a file with a "
                "[client] section, named at the URL's end as ?read_default_file=~/.my.cnf."
            )
        parsed.get_dialect().import_dbapi()
    except NoSuchModuleError:
        raise SettingError(
            f"`storage` names the database {make_url(url).drivername!r}, which SQLAlchemy does not "
            "know. Known are postgresql, mysql and sqlite."
        ) from None
    except ArgumentError:
        raise SettingError(
            "`storage` must be a database URL, for example postgresql://user@host/study or "
            "sqlite:///study.db, but what was given cannot be read as one."
        ) from None
    except ModuleNotFoundError as error:
        package = PACKAGES.get(error.name or "", error.name)
        raise SettingError(
            f"`storage` needs the package {package}: pip install {package}."
        ) from None
    return url
