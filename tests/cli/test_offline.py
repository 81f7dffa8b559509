"""Commands that need no running node, on real homes: found, trust, recognise, issue certificates, ingest, check."""

from __future__ import annotations

import json
import socket
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from node.app.authority import CA_YEARS
from node.app.founding import Layout
from node.cli.failures import ExitCode
from node.cli.verify import presented_content
from node.config import Settings
from node.errors import BadSource, InvalidInput
from tests.cli.running import huxin
from tests.support import nodes
from trust.libcrypto import LIBCRYPTO

SUBJECT = "91140000MA0TE5T16Q"
"""Synthetic."""

# init


def test_init_leaves_a_home_that_the_settings_fit(founded: Path) -> None:
    settings = Settings.load(Layout(founded).settings, {})
    assert settings.division == "140000"
    for path in (settings.tls.certificate, settings.tls.key, settings.tls.ca, settings.keys.signing, settings.keys.log):
        assert isinstance(path, Path)
        assert path.is_file(), path
    assert stat.S_IMODE((founded / "keys" / "signing.key").stat().st_mode) == 0o600
    assert (settings.trust.directory / "bundles" / "140000.json").is_file()
    assert (founded / "huxin.db").is_file()


def test_init_takes_names_from_the_catalogue_and_says_what_is_next(tmp_path: Path) -> None:
    home = tmp_path / "lanzhou"
    result = huxin("init", "620100", home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert "兰州市" in result.stdout
    for part in ("serve", "trust export", "trust import", "recognise grant", "ingest records"):
        assert f"huxin --home {home} {part}" in result.stdout


def test_init_recognises_its_own_reports_for_ten_years(founded: Path) -> None:
    (own,) = json.loads(huxin("trust", "list", "--json", home=founded).stdout)
    recognised = own["recognition"]
    assert own["own"] is True
    assert sorted(recognised["accepted_caveats"]) == ["SINCE_ASSUMED", "SINCE_YEAR_ONLY", "TYPES_SCHEME_WIDE"]
    valid = [datetime.fromisoformat(recognised[name]) for name in ("valid_from", "valid_until")]
    assert valid[1] - valid[0] == timedelta(days=3600)
    assert {"listing", "tender"} <= set(recognised["scenarios"])


def test_init_asks_for_names_that_no_catalogue_knows(tmp_path: Path) -> None:
    home = tmp_path / "yuncheng"
    result = huxin("init", "140800", home=home)
    assert result.exit_code == ExitCode.USAGE
    assert "--name-zh" in result.stderr
    assert not home.exists()
    named = huxin("init", "140800", "--name-zh", "运城市", "--name-en", "Yuncheng", home=home)
    assert named.exit_code == ExitCode.OK, named.stderr
    assert "recognise grant 140800" in named.stderr  # no catalogue of it could be reviewed yet


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--listen", "nowhere", "rpc.listen"),
        ("--operations", "0:99999", "operations.listen"),
        ("--endpoint", "no port", "rpc.advertised"),
        ("--database", "mysql://x", "database.url"),
    ],
)
def test_init_makes_nothing_when_a_setting_is_wrong(tmp_path: Path, option: str, value: str, named: str) -> None:
    home = tmp_path / "shanxi"
    result = huxin("init", "140000", option, value, home=home)
    assert result.exit_code == ExitCode.USAGE
    assert named in result.stderr
    assert not home.exists()


def test_init_keeps_what_it_made_when_the_database_is_out_of_reach(tmp_path: Path) -> None:
    home = tmp_path / "shanxi"
    result = huxin("init", "140000", "--database", "postgresql+asyncpg://nobody@127.0.0.1:1/none", home=home)
    assert result.exit_code == ExitCode.REFUSED
    assert "huxin doctor" in result.stderr
    assert Layout(home).settings.is_file()


def test_init_leaves_a_used_home_alone(home: Path) -> None:
    before = Layout(home).key("signing").read_bytes()
    result = huxin("init", "140000", home=home)
    assert result.exit_code == ExitCode.USAGE
    assert "not empty" in result.stderr
    assert Layout(home).key("signing").read_bytes() == before


def test_keys_may_have_a_passphrase_and_an_ecdsa_suite(tmp_path: Path) -> None:
    secret, home = tmp_path / "passphrase", tmp_path / "shanxi"
    secret.write_text("a synthetic passphrase\n", encoding="utf-8")
    secret.chmod(0o600)
    result = huxin("init", "140000", "--passphrase-file", secret, "--suite", "ecdsa-p256-sha256", home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert b"ENCRYPTED" in Layout(home).key("signing").read_bytes()
    assert huxin("certificate", "issue", "gateway", "--out-name", "second", home=home).exit_code == ExitCode.OK
    assert "ecdsa-p256-sha256" in huxin("trust", "show", "140000", home=home).stdout
    assert "a synthetic passphrase" not in (home / "huxin.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("suite", ["sm2-sm3", "ml-dsa-65"])
def test_every_suite_can_be_founded_with_and_locked(tmp_path: Path, suite: str) -> None:
    secret, home = tmp_path / "passphrase", tmp_path / "shanxi"
    secret.write_text("a synthetic passphrase\n", encoding="utf-8")
    secret.chmod(0o600)
    result = huxin("init", "140000", "--passphrase-file", secret, "--suite", suite, home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert b"ENCRYPTED" in Layout(home).key("signing").read_bytes()
    assert suite in huxin("trust", "show", "140000", home=home).stdout


def test_where_sm2_is_absent_init_says_so_and_makes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "shanxi"
    absent = ("--suite", "sm2-sm3", "--libcrypto", "/nowhere/libcrypto.so.3")
    result = huxin("init", "140000", *absent, home=home)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert "needs OpenSSL 3 with SM2" in result.stderr
    assert not home.exists()
    assert huxin("init", "140000", *absent[:3], LIBCRYPTO, home=home).exit_code == ExitCode.OK


def test_another_libcrypto_is_kept_in_the_settings(tmp_path: Path) -> None:
    home = tmp_path / "shanxi"
    assert huxin("init", "140000", "--libcrypto", "/nowhere/libcrypto.so.3", home=home).exit_code == ExitCode.OK
    assert 'libcrypto = "/nowhere/libcrypto.so.3"' in (home / "huxin.toml").read_text(encoding="utf-8")
    assert Settings.load(home / "huxin.toml", {}).keys.libcrypto == "/nowhere/libcrypto.so.3"


# doctor


def test_doctor_finds_a_fresh_home_in_order(founded: Path) -> None:
    result = huxin("doctor", "--json", home=founded)
    assert result.exit_code == ExitCode.OK, result.stdout
    found = json.loads(result.stdout)
    assert all(check["ok"] for check in found["checks"])
    ends = {(each["kind"], each["name"]): each for each in found["expiries"]}
    assert {("certificate", "node"), ("certificate", "gateway"), ("trust_certificate", "140000")} <= set(ends)
    assert [each["ends"] for each in found["expiries"]] == sorted(each["ends"] for each in found["expiries"])
    assert ends["certificate", "gateway"]["advice"].startswith("Run `huxin certificate renew gateway`, where")
    assert not any(each["ended"] for each in ends.values())


def test_doctor_names_what_is_wrong_and_ends_with_1(home: Path) -> None:
    Layout(home).key("signing").chmod(0o644)
    result = huxin("doctor", home=home)
    assert result.exit_code == ExitCode.PROBLEMS
    assert "WRONG" in result.stdout
    assert "chmod 600" in result.stdout


@pytest.mark.parametrize(("days", "left"), [(10, "9 days"), (1, "hours"), (-10, "ENDED")])
def test_doctor_says_what_to_do_about_what_ends(tmp_path: Path, days: int, left: str) -> None:
    founded_at = datetime.now(UTC) - timedelta(days=365 * CA_YEARS - days)
    found = nodes.found(tmp_path, "140000", founded_at)
    result = huxin("doctor", home=found.layout.home)
    assert result.exit_code == ExitCode.PROBLEMS
    (line,) = [line for line in result.stdout.splitlines() if "ca/140000" in line]
    assert left in line
    assert "huxin certificate rotate-ca" in line


# certificate


def test_a_relying_party_gets_a_certificate_of_its_own(home: Path) -> None:
    result = huxin("certificate", "issue", "relying-party", SUBJECT, "--out-name", "bidding", "--days", "30", home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    found = x509.load_pem_x509_certificate(Layout(home).certificate("bidding").read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [
        f"spiffe://140000.huxin/relying-party/{SUBJECT}"
    ]
    assert stat.S_IMODE(Layout(home).key("bidding").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "arguments",
    [
        ("relying-party",),
        ("relying-party", "not a code"),
        ("gateway", "detail"),
        ("gateway", "--out-name", "../gateway"),
        ("gateway", "--out-name", "signing"),
        ("gateway",),
    ],
)
def test_a_certificate_that_cannot_be_is_refused_before_a_file_is_made(home: Path, arguments: tuple[str, ...]) -> None:
    before = sorted(path.name for path in home.rglob("*"))
    result = huxin("certificate", "issue", *arguments, home=home)
    assert result.exit_code in {ExitCode.USAGE, ExitCode.BAD_INPUT}
    assert "Traceback" not in result.stderr
    assert sorted(path.name for path in home.rglob("*")) == before


# trust


@pytest.fixture
def guizhou(tmp_path: Path) -> Path:
    home = tmp_path / "guizhou"
    assert huxin("init", "520000", "--listen", "127.0.0.1:7544", home=home).exit_code == ExitCode.OK
    return home


def signer_of(home: Path) -> str:
    listed = json.loads(huxin("trust", "list", "--json", home=home).stdout)
    (own,) = [each for each in listed if each["own"]]
    return str(own["signers"][0])


def test_trust_is_exchanged_confirmed_recognised_and_withdrawn(home: Path, guizhou: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "shanxi.json"
    exported = huxin("trust", "export", "-o", bundle, home=home)
    assert exported.exit_code == ExitCode.OK, exported.stderr
    key = signer_of(home)
    assert key in exported.stdout

    unconfirmed = huxin("trust", "import", bundle, home=guizhou)
    assert unconfirmed.exit_code == ExitCode.BAD_INPUT
    assert "--key" in unconfirmed.stderr
    other = huxin("trust", "import", bundle, "--key", "0" * 64, home=guizhou)
    assert other.exit_code == ExitCode.BAD_INPUT
    assert "did not sign it" in other.stderr
    assert key[:8] not in unconfirmed.stderr + other.stderr  # or it would be pasted back, confirming nothing
    for no_key_id in ("SHANXI_KEY", key[:-1], key + "0"):
        slip = huxin("trust", "import", bundle, "--key", no_key_id, home=guizhou)
        assert slip.exit_code == ExitCode.USAGE
        assert "a key id has 64 characters" in slip.stderr
    dictated = f"{key[:32].upper()} {key[32:]}"
    imported = huxin("trust", "import", bundle, "--key", dictated, home=guizhou)
    assert imported.exit_code == ExitCode.OK, imported.stderr
    assert "not recognised yet" in imported.stdout

    recognised = huxin(
        *("recognise", "grant", "140000", "--scenario", "tender", "--max-view-age", "12h", "--yes"), home=guizhou
    )
    assert recognised.exit_code == ExitCode.OK, recognised.stderr
    listed = json.loads(huxin("trust", "list", "--json", home=guizhou).stdout)
    (shanxi,) = [each for each in listed if each["division"] == "140000"]
    assert shanxi["recognition"]["scenarios"] == ["tender"]
    assert "CLOSE_MATCH" not in shanxi["recognition"]["accepted_caveats"]
    table = huxin("trust", "list", home=guizhou).stdout
    assert "56 leaves, 5 types, 1 scenario" in table
    assert key[:12] in table
    shown = huxin("trust", "show", "140000", home=guizhou).stdout
    assert key in shown
    assert "12 hours" in shown

    assert huxin("recognise", "withdraw", "140000", "--yes", home=guizhou).exit_code == ExitCode.OK
    again = huxin("recognise", "withdraw", "140000", "--yes", home=guizhou)
    assert again.exit_code == ExitCode.BAD_INPUT
    assert "huxin recognise list" in again.stderr


def test_export_to_standard_output_is_the_bundle_alone(home: Path) -> None:
    result = huxin("trust", "export", home=home)
    assert json.loads(result.stdout)["payloadType"].startswith("application/vnd.huxin.")
    assert signer_of(home) in result.stderr


@pytest.mark.parametrize("content", [b"", b"not json", b"\xff\xfe", b"{}", b"x" * ((1 << 20) + 1)])
def test_what_is_no_bundle_is_refused_with_a_sentence(home: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bundle.json"
    path.write_bytes(content)
    result = huxin("trust", "import", path, home=home)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert "错误 Error" in result.stderr


def test_showing_or_recognising_a_stranger_says_to_import_it(home: Path) -> None:
    for command in (("trust", "show", "990000"), ("recognise", "grant", "990000", "--yes")):
        result = huxin(*command, home=home)
        assert result.exit_code == ExitCode.USAGE
        assert "huxin trust import" in result.stderr


# ingest

REGISTER = f"""\
id_type,subject_id,name,kind,division
uscc,{SUBJECT},合成样例企业,enterprise,140000
"""
RECORDS = f"""\
id_type,subject_id,local_code,record_type,deciding_authority,document_number,decided_on,content,source_unit,effective,\
not_penalised,revoked,secret,sealed
uscc,{SUBJECT},6,administrative_penalty_ordinary,合成局,合成罚〔2025〕1号,2025-03-01,合成内容,省市场监管局,true,false,\
false,false,false
"""
DELIVERY = ("--unit", "省市场监管局", "--row", "6", "--as-of", "2026-11-20", "--complete")


def test_a_register_is_taken_in(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    path.write_text(REGISTER, encoding="utf-8")
    result = huxin("ingest", "registrations", path, home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert "1 registration taken in." in result.stdout


def test_rows_left_out_are_told_by_place_and_never_by_content(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    path.write_text(REGISTER + "uscc,9114WRONG,某某,enterprise,140000\n", encoding="utf-8")
    result = huxin("ingest", "registrations", path, home=home)
    assert result.exit_code == ExitCode.PROBLEMS
    assert "subject_id" in result.stdout
    assert "1 row left out" in result.stdout
    assert "9114WRONG" not in result.output
    answer = json.loads(huxin("ingest", "registrations", path, "--json", home=home).stdout)
    assert answer["filed"] == 1
    assert [(row["line"], row["column"]) for row in answer["quarantined"]] == [(3, "subject_id")]


def test_a_delivery_is_filed_once(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "market.csv"
    path.write_text(RECORDS, encoding="utf-8")
    first = json.loads(huxin("ingest", "records", path, *DELIVERY, "--json", home=home).stdout)
    assert (first["filed"], first["quarantined"], first["repeated"]) == (1, [], False)
    second = json.loads(huxin("ingest", "records", path, *DELIVERY, "--json", home=home).stdout)
    assert second["repeated"] is True
    assert "nothing has changed" in huxin("ingest", "records", path, *DELIVERY, home=home).stdout


def deliveries(folder: Path, *units: str) -> list[Path]:
    """One file for each unit, with its header beside it, and the first with a record."""
    files = []
    for place, unit in enumerate(units):
        path = folder / f"delivery{place}.csv"
        path.write_text(RECORDS if place == 0 else RECORDS.splitlines()[0] + "\n", encoding="utf-8")
        header = f'unit = "{unit}"\nlocal_codes = ["6"]\nas_of = 2026-11-20\ncomplete = true\n'
        path.with_suffix(".delivery.toml").write_text(header, encoding="utf-8")
        files.append(path)
    return files


def test_several_deliveries_are_filed_by_one_command(home: Path, tmp_path: Path) -> None:
    files = deliveries(tmp_path, "省市场监管局", "省药监局", "各市")
    result = huxin("ingest", "records", *files, home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert "delivery2.csv: 0 filed, complete" in result.stdout
    assert "1 record filed from 3 deliveries." in result.stdout
    answer = json.loads(huxin("ingest", "records", *files, "--json", home=home).stdout)
    assert [(Path(each["file"]).name, each["repeated"]) for each in answer] == [(file.name, True) for file in files]
    assert huxin("ingest", "records", *files, *DELIVERY, home=home).exit_code == ExitCode.USAGE


def test_of_several_deliveries_the_one_that_cannot_be_used_is_named(home: Path, tmp_path: Path) -> None:
    files = deliveries(tmp_path, "省市场监管局", "省林业局", "各市")
    result = huxin("ingest", "records", *files, home=home)
    assert result.exit_code == ExitCode.USAGE
    assert "1 of 3 deliveries were taken in; it stopped at delivery1.csv" in result.stderr
    assert "delivered by 省市场监管局" in result.stderr


def test_it_is_said_whether_a_delivery_moves_what_is_covered(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "market.csv"
    path.write_text(RECORDS, encoding="utf-8")
    assert "The delivery is complete" in huxin("ingest", "records", path, *DELIVERY, home=home).stdout
    path.write_text(RECORDS.replace("administrative_penalty_ordinary", "nonsense"), encoding="utf-8")
    broken = huxin("ingest", "records", path, *DELIVERY, home=home)
    assert broken.exit_code == ExitCode.PROBLEMS
    assert "never is complete" in broken.stdout


def test_a_delivery_needs_its_whole_description(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "market.csv"
    path.write_text(RECORDS, encoding="utf-8")
    assert huxin("ingest", "records", path, "--unit", "省市场监管局", home=home).exit_code == ExitCode.USAGE
    missing = huxin("ingest", "records", path, home=home)
    assert missing.exit_code == ExitCode.BAD_INPUT
    assert "market.delivery.toml: there is no such file" in missing.stderr
    assert "--unit, --row and --as-of" in missing.stderr
    unknown = huxin("ingest", "records", path, *DELIVERY, "--row", "99", home=home)
    assert unknown.exit_code == ExitCode.USAGE
    assert "huxin catalogue show 140000" in unknown.stderr


# requirement check, verify and report before anything is asked

REQUIREMENT_DATA = Path(__file__).parents[2] / "node" / "adapters"


def test_every_requirement_that_comes_with_huxin_can_be_checked() -> None:
    files = sorted(REQUIREMENT_DATA.rglob("procedures/**/*.toml"))
    assert files
    for path in files[:3]:
        result = huxin("requirement", "check", path)
        assert result.exit_code == ExitCode.OK, (path, result.stderr)
        assert "可用 Usable" in result.stdout


def test_a_broken_requirement_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("nonsense = 1\n", encoding="utf-8")
    result = huxin("requirement", "check", path)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert "mine.toml" in result.stderr
    assert huxin("verify", path, "--requirement-file", path).exit_code == ExitCode.BAD_INPUT


def test_what_is_neither_file_nor_number_is_said_to_be_neither(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no such file"):
        presented_content(str(tmp_path / "report.huxin"))


def test_a_file_too_large_to_be_a_report_is_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "film.huxin"
    path.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(BadSource, match=r"film.huxin: a report file has at most 1048576 bytes"):
        presented_content(str(path))


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "x", "--require", "a", "--requirement-file", __file__),
        ("verify", __file__, "--subject", "1234"),
        ("report", "create", "1234", "--scenario", "tender"),
        ("report", "create", SUBJECT, "--scenario", "tender", "--months", "6", "--from", "2024-01-01"),
        ("report", "create", SUBJECT, "--scenario", "tender", "--to", "2024-01-01"),
        ("report", "create", SUBJECT, "--scenario", "tender", "--from", "2024-01-01", "--to", "2024-01-01"),
        ("report", "create", SUBJECT),
        ("report", "show", "123"),
        ("report", "status", "123", "revoked", "--reason", "issued_in_error"),
    ],
)
def test_wrong_use_is_told_before_a_node_is_asked(founded: Path, arguments: tuple[str, ...]) -> None:
    result = huxin(*arguments, home=founded)
    assert result.exit_code == ExitCode.USAGE
    assert "No node answers" not in result.stderr


def test_an_identifier_never_comes_back_in_an_error(founded: Path) -> None:
    result = huxin("report", "create", "91140000MA0TE5T1S6", "--scenario", "tender", home=founded)
    assert result.exit_code == ExitCode.USAGE
    assert "91140000MA0TE5T1S6" not in result.output


def test_a_doubtful_check_character_is_a_note(founded: Path) -> None:
    """Real codes fail it (R022): the register decides, so the node is asked all the same."""
    result = huxin(
        "report", "create", "91140000MA0TE5T16X", "--scenario", "tender", "--node", "127.0.0.1:1", home=founded
    )
    assert "check character does not fit" in result.stderr
    assert result.exit_code == ExitCode.REFUSED


def test_a_database_that_does_not_answer_is_named_with_what_to_check(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    path.write_text(REGISTER, encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"postgresql+asyncpg://huxin@127.0.0.1:{taken.getsockname()[1]}/huxin"
        for command, code in (
            (("ingest", "registrations", path), ExitCode.REFUSED),
            (("doctor",), ExitCode.PROBLEMS),
        ):
            result = huxin(*command, home=home, environ={"HUXIN_DATABASE__URL": url})
            assert result.exit_code == code
            assert "The database cannot be reached" in result.output
            assert "database.url" in result.output
            assert "request_id" not in result.output  # there is none: nothing was asked


def test_a_home_without_settings_is_named(tmp_path: Path) -> None:
    result = huxin("doctor", home=tmp_path / "shnaxi")
    assert result.exit_code == ExitCode.USAGE
    assert "shnaxi: holds no huxin.toml" in result.stderr
    assert "--home" in result.stderr


@pytest.mark.parametrize("presented", ["report.huxin", "reports/one", "."])
def test_a_file_that_is_not_there_is_not_taken_for_a_report_number(home: Path, presented: str) -> None:
    result = huxin("verify", presented, "--node", "127.0.0.1:1", home=home)
    assert result.exit_code == ExitCode.USAGE
    assert "FILE_OR_NUMBER: there is no such file; check its name" in result.stderr
    assert "31 characters" not in result.stderr
