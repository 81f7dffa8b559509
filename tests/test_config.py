from __future__ import annotations

import os
from pathlib import Path

import pytest

from node.config import FILE_NAME, Address, Settings, read_secret
from node.config.mistakes import keys
from node.config.reference import reference
from node.errors import BadConfiguration

ROOT = Path(__file__).parent.parent


def load(home: Path, text: str = 'division = "140000"\n', **environ: str) -> Settings:
    """Settings of a home with this file."""
    path = home / FILE_NAME
    path.write_text(text, encoding="utf-8")
    return Settings.load(path, environ)


def refused(home: Path, text: str, **environ: str) -> BadConfiguration:
    with pytest.raises(BadConfiguration) as caught:
        load(home, text, **environ)
    return caught.value


def test_only_the_division_must_be_set(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.division == "140000"
    assert settings.database.url == f"sqlite+aiosqlite:///{tmp_path}/huxin.db"
    assert settings.keys.signing == tmp_path / "keys/signing.key"
    assert settings.keys.passphrase_file is None
    assert settings.federation.cosign_seconds == 60
    assert settings.operations.listen.host == "127.0.0.1"


def test_the_file_sets_and_the_environment_counts_before_it(tmp_path: Path) -> None:
    text = """
    division = "140000"
    [rpc]
    listen = "0.0.0.0:7000"
    advertised = ["node.140000.huxin:7443", "[2001:db8::1]:7443"]
    [limits]
    batch_items = 500
    concurrent_streams = 10
    """
    settings = load(
        tmp_path,
        text,
        HUXIN_DIVISION="520000",
        HUXIN_LIMITS__BATCH_ITEMS="100",
        HUXIN_LOG__FORMAT="json",
        PATH="/usr/bin",
    )
    assert settings.division == "520000"
    assert (settings.limits.batch_items, settings.limits.concurrent_streams) == (100, 10)
    assert settings.rpc.listen == Address("0.0.0.0", 7000)  # noqa: S104 - what an operator may choose
    assert [str(a) for a in settings.rpc.advertised] == ["node.140000.huxin:7443", "[2001:db8::1]:7443"]
    assert settings.log.format == "json"


def test_lists_in_the_environment_are_separated_by_commas(tmp_path: Path) -> None:
    settings = load(
        tmp_path, HUXIN_RPC__ADVERTISED="a.example:1, b.example:2", HUXIN_CATALOGUES__FOLDERS="more,/srv/catalogues"
    )
    assert settings.rpc.advertised == (Address("a.example", 1), Address("b.example", 2))
    assert settings.catalogues.folders == (tmp_path / "more", Path("/srv/catalogues"))


def test_nothing_is_read_behind_the_callers_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUXIN_DIVISION", "210000")
    assert load(tmp_path).division == "140000"
    assert Settings.load(tmp_path / FILE_NAME, os.environ).division == "210000"


def test_the_home_variable_of_the_command_line_is_no_setting(tmp_path: Path) -> None:
    assert load(tmp_path, HUXIN_HOME="/srv/huxin").division == "140000"


def test_relative_paths_count_from_the_home_wherever_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "shanxi"
    home.mkdir()
    (home / FILE_NAME).write_text('division = "140000"\n[trust]\ndirectory = "../shared"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    settings = Settings.load(Path("shanxi") / FILE_NAME, {})
    assert settings.trust.directory == home / "../shared"
    assert settings.tls.ca.is_absolute()


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(tmp_path).limits.batch_items = 5


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("", "division", "must be set. Meaning: Division code"),
        ("division = 140000", "division", "valid string"),
        ('division = "14000"', "division", "match pattern"),
        ('division = "140000"\nlisten = "a:1"', "listen", "no such key"),
        ('division = "140000"\n[limits]\nmax_mesage_bytes = 1', "limits.max_mesage_bytes", "limits.max_message_bytes?"),
        ('division = "140000"\n[limits]\nbatch_items = 1001', "limits.batch_items", "less than or equal to 1000"),
        ('division = "140000"\n[limits]\nbatch_items = "many"', "limits.batch_items", "valid integer"),
        ('division = "140000"\n[limits]\nmax_message_bytes = 65536', "limits.max_bundle_bytes", "max_message_bytes"),
        ('division = "140000"\n[rpc]\nlisten = "7443"', "rpc.listen", '"host:port"'),
        ('division = "140000"\n[rpc]\nlisten = "a:65536"', "rpc.listen", "up to 65535"),
        ('division = "140000"\n[rpc]\nadvertised = ["a:1", "b"]', "rpc.advertised.1", '"host:port"'),
        ('division = "140000"\n[federation]\nbackoff_min_seconds = 600', "federation.backoff_max_seconds", "less than"),
        ('division = "140000"\n[freshness]\nlog_view_seconds = inf', "freshness.log_view_seconds", "finite"),
        ('division = "140000"\n[log]\nlevel = "loud"', "log.level", "'debug'"),
        ('division = "140000"\n[database]\nurl = "mysql://x/y"', "database.url", "postgresql+asyncpg://"),
        ('division = "140000"\n[database]\nurl = "sqlite+aiosqlite:///x.db"', "database.url", "four slashes"),
        ('division = "140000"\nlimits = 3', "limits", "valid dictionary"),
        ("division = \n", FILE_NAME, "at line 1, column 12"),
        ('division = "1"\ndivision = "2"\n', FILE_NAME, "not TOML at line 2"),
    ],
)
def test_every_mistake_is_named_by_its_key_and_says_what_is_wrong(
    tmp_path: Path, text: str, key: str, says: str
) -> None:
    error = refused(tmp_path, text)
    assert error.key == key
    assert says in error.message


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    error = refused(tmp_path, '[limits]\nbatch_items = 0\n[log]\nformat = "xml"\n')
    assert error.key == "division"
    assert "Also limits.batch_items: " in error.message
    assert "Also log.format: " in error.message


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("HUXIN_LIMITS__BATCH_ITEM", "HUXIN_LIMITS__BATCH_ITEMS?"),
        ("HUXIN_DIVISON", "HUXIN_DIVISION?"),
        ("HUXIN_LIMITS", "sets nothing"),
        ("HUXIN_ZZZ", "docs/configuration.md"),
    ],
)
def test_a_variable_that_sets_nothing_is_refused(tmp_path: Path, name: str, suggestion: str) -> None:
    error = refused(tmp_path, 'division = "140000"', **{name: "1"})
    assert error.key == name
    assert suggestion in error.message


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    error = refused(tmp_path, 'division = "140000"', HUXIN_LIMITS__BATCH_ITEMS="0")
    assert error.key == "limits.batch_items"
    assert "HUXIN_LIMITS__BATCH_ITEMS" in error.message


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="huxin init") as caught:
        Settings.load(tmp_path / FILE_NAME, {})
    assert str(tmp_path) not in caught.value.message


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes('division = "山西"'.encode("gb18030"))
    with pytest.raises(BadConfiguration, match="UTF-8"):
        Settings.load(tmp_path / FILE_NAME, {})


def test_a_password_in_the_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = 'division = "140000"\n[database]\nurl = "postgresql+asyncpg://huxin:s3cret-word@db/huxin"'
    error = refused(tmp_path, text)
    assert error.key == "database.url"
    assert "database.password_file" in error.message
    assert "s3cret-word" not in error.message


def test_the_database_password_comes_from_its_file(tmp_path: Path) -> None:
    secret = tmp_path / "db.password"
    secret.write_text("p@ss/word\n", encoding="utf-8")
    secret.chmod(0o600)
    text = """
    division = "140000"
    [database]
    url = "postgresql+asyncpg://huxin@db:5432/huxin?ssl=require"
    password_file = "db.password"
    """
    settings = load(tmp_path, text)
    assert settings.database.connection_url() == "postgresql+asyncpg://huxin:p%40ss%2Fword@db:5432/huxin?ssl=require"
    assert "p@ss" not in repr(settings)


def test_a_password_needs_a_user(tmp_path: Path) -> None:
    secret = tmp_path / "db.password"
    secret.write_text("word", encoding="utf-8")
    secret.chmod(0o600)
    text = 'division = "1"\n[database]\nurl = "postgresql+asyncpg:///huxin"\npassword_file = "db.password"'
    settings = load(tmp_path, text.replace('"1"', '"140000"'))
    with pytest.raises(BadConfiguration, match=r"database\.url: names no user"):
        settings.database.connection_url()


def test_a_secret_file_must_be_readable_by_us_alone_and_hold_something(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    with pytest.raises(BadConfiguration, match=r"keys\.passphrase_file: the file cannot be read"):
        read_secret(path, "keys.passphrase_file")
    path.write_text("\nword\n", encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(BadConfiguration, match="first line of the file is empty"):
        read_secret(path, "keys.passphrase_file")
    path.write_text("word two\r\nmore\n", encoding="utf-8")
    assert read_secret(path, "keys.passphrase_file") == "word two"
    path.chmod(0o644)
    with pytest.raises(BadConfiguration, match="chmod 600"):
        read_secret(path, "keys.passphrase_file")


def test_an_empty_variable_takes_a_path_away(tmp_path: Path) -> None:
    text = 'division = "140000"\n[keys]\npassphrase_file = "pass"'
    assert load(tmp_path, text).keys.passphrase_file == tmp_path / "pass"
    assert load(tmp_path, text, HUXIN_KEYS__PASSPHRASE_FILE="").keys.passphrase_file is None


def test_a_key_is_a_file_or_lives_in_a_token(tmp_path: Path) -> None:
    uri = "pkcs11:token=huxin;object=signing?module-path=/usr/lib/module.so"
    found = load(tmp_path, f'division = "140000"\n[keys]\nsigning = "{uri}"\nlog = "/elsewhere/log.key"').keys
    assert (found.signing, found.log) == (uri, Path("/elsewhere/log.key"))
    assert found.cosigner == tmp_path / "keys/cosigner.key"


def test_a_pin_is_never_a_setting(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"keys\.log.*pin-source") as caught:
        load(tmp_path, 'division = "140000"\n[keys]\nlog = "pkcs11:token=huxin;object=log?pin-value=314159"')
    assert "314159" not in str(caught.value)


def test_an_address_is_written_as_it_is_read() -> None:
    assert str(Address("::1", 7443)) == "[::1]:7443"
    assert str(Address("node.140000.huxin", 7443)) == "node.140000.huxin:7443"


def test_every_key_is_documented_and_the_document_is_up_to_date() -> None:
    assert all(field.description and field.description.endswith(".") for _, field in keys(Settings))
    assert (ROOT / "docs/configuration.md").read_text(encoding="utf-8") == reference()


def test_every_documented_default_is_one_that_can_be_written(tmp_path: Path) -> None:
    """Copying the defaults from the document into a file changes nothing."""
    tables: list[str] = []
    for line in reference().splitlines():
        if line.startswith("## "):
            tables.append(line.removeprefix("## `").removesuffix("`"))
        elif line.startswith("| `") and "must be set" not in line:
            key, default = (cell.strip().strip("`") for cell in line.split("|")[1:3])
            if default != "empty":
                tables.append(f"{key} = {default}")
    assert load(tmp_path, 'division = "140000"\n' + "\n".join(tables)) == load(tmp_path)
