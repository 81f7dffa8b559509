"""The tables of `huxin.toml`, every key with its default, its bounds and what it means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from node.config.values import Address, HostPort, KeyPlace, LogForm, LogLevel, OptionalPath, read_secret, several
from node.errors import BadConfiguration
from node.model.sharing import RECOGNISED, TRUSTED

MAX_BUNDLE_BYTES = 1 << 20
MAX_BATCH_ITEMS = 1000
REQUEST_OVERHEAD_BYTES = 16 << 10
MAX_AGE_SECONDS = 100 * 366 * 86_400
MAX_RATE = float(1 << 40)


class Section(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)


class RpcSettings(Section):
    """The gRPC door."""

    listen: HostPort = Field(
        default=Address("127.0.0.1", 7443), description="Where the node listens for callers and peers."
    )
    advertised: Annotated[tuple[HostPort, ...], BeforeValidator(several)] = Field(
        default=(),
        description="Where peers reach this node, in order of preference: published in its jurisdiction bundle. "
        "Empty: the listen address.",
    )
    grace_seconds: float = Field(
        default=5.0, ge=0, le=300, description="How long open calls may take to end when the node stops."
    )


class OperationsSettings(Section):
    """Pages for operators."""

    listen: HostPort = Field(
        default=Address("127.0.0.1", 9464),
        description="Where /metrics, /healthz and /readyz are served, over plain HTTP: keep it away from callers.",
    )


class TlsSettings(Section):
    """Identity of this node towards callers and peers."""

    certificate: Path = Field(default=Path("certificates/node.crt"), description="Certificate chain of the node, PEM.")
    key: Path = Field(default=Path("keys/node.key"), description="Its private key, PEM, mode 0600.")
    ca: Path = Field(
        default=Path("certificates/ca.crt"),
        description="Certificates of the jurisdiction's own CA, PEM: two while one follows the other.",
    )


class KeySettings(Section):
    """Keys that sign statements and log heads: PEM files of mode 0600, or PKCS #11 URIs of keys in a token."""

    signing: KeyPlace = Field(default=Path("keys/signing.key"), description="Key that signs statements.")
    folder: Path = Field(
        default=Path("keys"),
        description="Folder of further signing keys, written by `huxin key`: `signing-<12 characters>.key`, or `.uri` "
        "for a key in a token.",
    )
    log: KeyPlace = Field(default=Path("keys/log.key"), description="Ed25519 key that signs the log's heads.")
    cosigner: KeyPlace = Field(
        default=Path("keys/cosigner.key"), description="Ed25519 key that cosigns heads with the time."
    )
    ca: OptionalPath = Field(
        default=Path("keys/ca.key"),
        description="Key of the jurisdiction's own CA, PEM, mode 0600. Where it is at hand, the node renews its own "
        "certificate. Empty, or no such file: the CA is kept elsewhere.",
    )
    ca_overlap_seconds: float = Field(
        default=604_800.0,
        ge=0,
        le=31_536_000,
        description="How long a new CA is published before certificates are issued from it: time for every peer to "
        "refresh, and to hand the new ca.crt to own workloads. Default: 7 days.",
    )
    passphrase_file: OptionalPath = Field(
        default=None,
        description="File that holds the passphrase of these keys on its first line. Empty: keys have none.",
    )
    libcrypto: str = Field(
        default="libcrypto.so.3",
        min_length=1,
        max_length=4096,
        description="OpenSSL 3 for the suite `sm2-sm3`: a name that the system's loader finds, or an absolute path. "
        "Without it, or where it was built without SM2, what is signed in that suite is UNDECIDED here.",
    )
    pin_file: OptionalPath = Field(
        default=None,
        description="File that holds the PIN of the token on its first line, for URIs without `pin-source`.",
    )
    rotation_seconds: float = Field(
        default=86_400.0,
        ge=0,
        le=31_622_400,
        description="How long a new signing key is published before it signs, and how long the one before it may still "
        "sign after that: longer than verifiers take to refresh what they trust. Default: 1 day.",
    )


class TrustSettings(Section):
    """Whom this node trusts."""

    directory: Path = Field(
        default=Path("trust"),
        description="Folder of jurisdiction bundles and trust certificates, written by `huxin trust`.",
    )


class DatabaseSettings(Section):
    """Where records, reports and logs are kept."""

    url: str = Field(
        default="",
        description="`sqlite+aiosqlite:////path/to/file` or `postgresql+asyncpg://user@host/database`, without a "
        "password. Empty: the file `huxin.db` in the home.",
    )
    password_file: OptionalPath = Field(
        default=None, description="File that holds the database password on its first line."
    )
    pool_size: int = Field(
        default=10, ge=1, le=1000, description="Connections kept to PostgreSQL; SQLite does not use it."
    )

    @field_validator("url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and parts.scheme not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
            raise ValueError("must begin with sqlite+aiosqlite:// or postgresql+asyncpg://")
        if parts.scheme == "sqlite+aiosqlite" and not parts.path.startswith("//"):
            raise ValueError("must name an absolute path: four slashes after the colon")
        if parts.password is not None:
            raise ValueError("must not hold a password: put it into a file and name that in database.password_file")
        return url

    def connection_url(self) -> str:
        """The URL with the password in it: for the database driver, never for a log. Raises BadConfiguration."""
        if self.password_file is None:
            return self.url
        password = read_secret(self.password_file, "database.password_file")
        parts = urlsplit(self.url)
        user, at, host = parts.netloc.rpartition("@")
        if not at:
            raise BadConfiguration("database.url", "names no user to whom the password could belong; write user@host.")
        return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


class LimitSettings(Section):
    """What one caller may ask for at once. Larger messages are refused before they are parsed."""

    max_message_bytes: int = Field(
        default=16 << 20, ge=64 << 10, le=1 << 30, description="Largest gRPC message received. A full batch must fit."
    )
    max_bundle_bytes: int = Field(
        default=MAX_BUNDLE_BYTES,
        ge=4 << 10,
        le=MAX_BUNDLE_BYTES,
        description="Largest report bundle. The protocol allows 1 MiB.",
    )
    batch_items: int = Field(
        default=MAX_BATCH_ITEMS,
        ge=1,
        le=MAX_BATCH_ITEMS,
        description="Bundles in one BatchVerify. The protocol allows 1,000.",
    )
    memo_bytes: int = Field(
        default=256 << 20,
        ge=1 << 20,
        le=1 << 40,
        description="Memory for the arithmetic of verified bundles, about 20 kB each: what is remembered is not "
        "computed again. Keys, status, freshness and recognition are judged anew in any case.",
    )
    concurrent_streams: int = Field(default=256, ge=1, le=65535, description="Calls open at once on one connection.")
    burst_seconds: float = Field(
        default=1.0,
        ge=0.1,
        le=3600,
        description="So many seconds' worth of calls and bytes may come at once. This and the following limits hold "
        "for one caller at each replica of this node; who is over one is told when to come back.",
    )
    peer_calls_per_second: float = Field(
        default=200.0,
        gt=0,
        le=MAX_RATE,
        description="Calls of one peer jurisdiction, whichever certificate makes them.",
    )
    peer_received_bytes_per_second: float = Field(
        default=4.0 * (1 << 20), gt=0, le=MAX_RATE, description="Bytes that one peer may send in requests."
    )
    peer_sent_bytes_per_second: float = Field(
        default=64.0 * (1 << 20),
        gt=0,
        le=MAX_RATE,
        description="Bytes that are sent to one peer in streams, its copy of the log above all; more is sent later.",
    )
    peer_concurrent_calls: int = Field(default=16, ge=1, le=65535, description="Calls of one peer open at once.")
    peer_concurrent_streams: int = Field(
        default=16, ge=1, le=65535, description="Streams of one peer open at once; of each kind at most 8 in any case."
    )
    own_calls_per_second: float = Field(
        default=20_000.0, gt=0, le=MAX_RATE, description="Calls of one workload of the own jurisdiction."
    )
    own_received_bytes_per_second: float = Field(
        default=512.0 * (1 << 20), gt=0, le=MAX_RATE, description="Bytes that one own workload may send in requests."
    )
    own_sent_bytes_per_second: float = Field(
        default=512.0 * (1 << 20), gt=0, le=MAX_RATE, description="Bytes that are sent to one own workload in streams."
    )
    own_concurrent_calls: int = Field(
        default=4_096, ge=1, le=65535, description="Calls of one own workload open at once, over all its connections."
    )
    own_concurrent_streams: int = Field(
        default=1_024, ge=1, le=65535, description="Streams of one own workload open at once."
    )

    @field_validator("max_bundle_bytes")
    @classmethod
    def _bundle_fits(cls, size: int, info: ValidationInfo) -> int:
        # A request that holds a bundle also holds a subject claim and a requirement.
        message = info.data.get("max_message_bytes")
        if message is not None and message < size + REQUEST_OVERHEAD_BYTES:
            raise ValueError(f"must be at least {REQUEST_OVERHEAD_BYTES} less than limits.max_message_bytes")
        return size


class FederationSettings(Section):
    """How peers' logs are followed, and how the own log keeps time."""

    backoff_min_seconds: float = Field(
        default=1.0, gt=0, le=3600, description="First wait after a peer could not be reached."
    )
    backoff_max_seconds: float = Field(
        default=4.0,
        gt=0,
        le=86400,
        description="Longest wait; each failure doubles the wait up to this. Contact clears it, a call of that peer as "
        "well. With more than 4 seconds a peer that comes back can be without news for more than 5.",
    )
    batch_entries: int = Field(
        default=1000,
        ge=1,
        le=1000,
        description="Entries stored in one transaction when replicating. A peer sends at most 1,000 at once.",
    )
    cosign_seconds: float = Field(
        default=60.0,
        ge=1,
        le=3600,
        description="How often the own head is cosigned with the time: the proof of freshness.",
    )
    silence_seconds: float = Field(
        default=180.0,
        ge=1,
        le=86400,
        description="How long a peer may send nothing whole before the connection is given up and made anew. Longer "
        "than peers take to cosign their heads. A peer that announced more and tells less than an entry a second over "
        "this time is given up as well.",
    )
    entries_per_hour: int = Field(
        default=10_000_000,
        ge=3_600,
        le=1_000_000_000,
        description="Entries taken in of one peer's log in an hour, and at once after a quiet one: a log that grows "
        "without end fills the disk no faster. Raise it to catch up with longer logs at full speed.",
    )
    gossip_seconds: float = Field(
        default=10.0,
        ge=0.05,
        le=3600,
        description="How often each peer is asked which heads of all logs it holds, give or take half: so soon do "
        "split views show, and witnesses count.",
    )
    merge_delay_seconds: float = Field(
        default=60.0,
        ge=0,
        le=86400,
        description="How long after its issue an attestation may be missing from a view of its log before that counts "
        "against it.",
    )

    @field_validator("backoff_max_seconds")
    @classmethod
    def _backoff_grows(cls, seconds: float, info: ValidationInfo) -> float:
        if seconds < info.data.get("backoff_min_seconds", 0.0):
            raise ValueError("must not be less than federation.backoff_min_seconds")
        return seconds


class MessageSettings(Section):
    """Messages to and from peers, and the reports that are asked for by them."""

    life_seconds: float = Field(
        default=604_800.0,
        ge=60,
        le=2_592_000,
        description="How long a message is tried before it expires, and how long a report that came for a request is "
        "kept, sealed. Default: 7 days.",
    )
    retire_after_seconds: float = Field(
        default=259_200.0,
        gt=0,
        le=31_622_400,
        description="A peer that was silent for so long is asked rarely, until it is heard. Default: 3 days.",
    )
    retired_seconds: float = Field(default=3_600.0, gt=0, le=86_400, description="How often such a peer is asked.")
    inbox_messages: int = Field(
        default=1_000,
        ge=1,
        le=1_000_000,
        description="Messages of one peer that may wait or be parked at once; more are deferred. Each may have 1 MiB.",
    )
    kept_days: float = Field(
        default=1_096.0,
        gt=0,
        le=36_600,
        description="How long is kept what became of a message, without its content: who asked, on the digest of which "
        "evidence, and the number of the report. Default: 3 years.",
    )


def _divisions(value: tuple[str, ...], words: tuple[str, ...] = ()) -> tuple[str, ...]:
    for each in value:
        if each not in words and not (len(each) == 6 and each.isascii() and each.isdigit()):
            besides = f", or one of: {', '.join(words)}" if words else ""
            raise ValueError(f"must list division codes of six digits{besides}")
    return value


class SharingSettings(Section):
    """What this jurisdiction shares with others, and whom it answers."""

    basic_information_with: Annotated[tuple[str, ...], BeforeValidator(several)] = Field(
        default=(),
        description="Division codes of the jurisdictions that are told of which of *their* organisations records are "
        "held here: code, name and since when, never the records. What was shared with one that is taken out of the "
        "list is withdrawn. Empty: nobody.",
    )
    report_requests_of: Annotated[tuple[str, ...], BeforeValidator(several)] = Field(
        default=(RECOGNISED,),
        description="Whose requests for reports are answered: division codes; `recognised`, who holds a trust "
        "certificate of ours that is in force; `trusted`, every jurisdiction known here. Empty: nobody's.",
    )
    report_requests_per_day: int = Field(
        default=1_000,
        ge=1,
        le=10_000_000,
        description="Requests of one jurisdiction that are answered in a day of China; the others are refused.",
    )

    @field_validator("basic_information_with")
    @classmethod
    def _with_divisions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _divisions(value)

    @field_validator("report_requests_of")
    @classmethod
    def _of_divisions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _divisions(value, (RECOGNISED, TRUSTED))


class FreshnessSettings(Section):
    """Limits of age of this node: certificates and requirements can be stricter. Past an upper one all is REFER."""

    trust_state_fresh_seconds: float = Field(
        default=86_400.0,
        gt=0,
        le=MAX_AGE_SECONDS,
        description="From this age on verdicts warn of the trusted state of an issuer. Default: 1 day.",
    )
    trust_state_seconds: float = Field(
        default=2_592_000.0,
        gt=0,
        le=MAX_AGE_SECONDS,
        description="Oldest trusted state of an issuer with which anything is accepted. Default: 30 days.",
    )
    log_view_fresh_seconds: float = Field(
        default=3_600.0,
        gt=0,
        le=MAX_AGE_SECONDS,
        description="From this age on verdicts warn of the view of an issuer's log. Default: 1 hour.",
    )
    log_view_seconds: float = Field(
        default=86_400.0,
        gt=0,
        le=MAX_AGE_SECONDS,
        description="Oldest view of an issuer's log with which anything is accepted. Default: 1 day.",
    )
    clock_skew_seconds: float = Field(
        default=60.0,
        ge=0,
        le=3600,
        description="By how much clocks of nodes may differ before the own one is called wrong.",
    )


class RegistrySettings(Section):
    """The trust registry: what this node refreshes from its peers, publishes, and releases if it is the coordinator."""

    key: Path = Field(
        default=Path("keys/registry.key"),
        description="Key that signs what this jurisdiction publishes, PEM, mode 0600. Without it the node publishes "
        "nothing by itself.",
    )
    snapshot_key: Path = Field(
        default=Path("keys/snapshot.key"), description="Coordinator only: key that signs snapshots, PEM, mode 0600."
    )
    timestamp_key: Path = Field(
        default=Path("keys/timestamp.key"), description="Coordinator only: key that signs timestamps, PEM, mode 0600."
    )
    refresh_seconds: float = Field(
        default=20.0, ge=0.05, le=3600, description="How often a peer is asked for a newer registry."
    )
    release_seconds: float = Field(
        default=600.0,
        ge=0.05,
        le=86_400,
        description="Coordinator only: how often the timestamp is signed anew. Its age is the age of all trust.",
    )
    timestamp_days: float = Field(
        default=5.0,
        gt=0,
        le=30,
        description="Coordinator only: how long a timestamp holds. For so long the federation goes on without the "
        "coordinator; then every decision is at most REFER.",
    )
    snapshot_days: float = Field(
        default=30.0, gt=0, le=366, description="Coordinator only: how long a snapshot holds. It is renewed at half."
    )
    publication_days: float = Field(
        default=90.0,
        gt=0,
        le=366,
        description="How long what this jurisdiction publishes holds. It is renewed at half.",
    )
    peer_seconds: float = Field(
        default=20.0, gt=0, le=300, description="Longest time that a peer may take to send one file of the registry."
    )


class CatalogueSettings(Section):
    """Catalogues besides those that come with huxin."""

    folders: Annotated[tuple[Path, ...], BeforeValidator(several)] = Field(
        default=(), description="Folders with further jurisdictions, one folder each (see `add-a-jurisdiction.md`)."
    )


class LogSettings(Section):
    """What the node writes to standard output."""

    level: LogLevel = Field(default=LogLevel.INFO, description="`debug`, `info`, `warning` or `error`.")
    format: LogForm = Field(
        default=LogForm.AUTO, description="`json`, `console`, or `auto`: console on a terminal, else JSON."
    )
