"""All settings, and how they are loaded: defaults, then the file, then the environment, the last one counting."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from node.config import sections
from node.config.mistakes import first_mistake, refuse_unknown_variables
from node.errors import BadConfiguration

FILE_NAME = "huxin.toml"
PREFIX = "HUXIN_"
HOME_VARIABLE = "HUXIN_HOME"
"""Names the node's home for the command line; not a setting."""

Model = TypeVar("Model", bound=BaseModel)

_TOML_POSITION = re.compile(r"\(at (line \d+, column \d+|end of document)\)")


class Settings(BaseSettings):
    """Everything an operator can set. Made by `load`; its paths are absolute then."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        enable_decoding=False,  # lists come separated by commas, not as JSON
    )

    division: str = Field(
        pattern=r"^[0-9]{6}$",
        description="Division code (GB/T 2260, six digits) of the jurisdiction this node speaks for.",
    )
    rpc: sections.RpcSettings = sections.RpcSettings()
    operations: sections.OperationsSettings = sections.OperationsSettings()
    tls: sections.TlsSettings = sections.TlsSettings()
    keys: sections.KeySettings = sections.KeySettings()
    trust: sections.TrustSettings = sections.TrustSettings()
    database: sections.DatabaseSettings = sections.DatabaseSettings()
    limits: sections.LimitSettings = sections.LimitSettings()
    federation: sections.FederationSettings = sections.FederationSettings()
    messages: sections.MessageSettings = sections.MessageSettings()
    sharing: sections.SharingSettings = sections.SharingSettings()
    registry: sections.RegistrySettings = sections.RegistrySettings()
    freshness: sections.FreshnessSettings = sections.FreshnessSettings()
    catalogues: sections.CatalogueSettings = sections.CatalogueSettings()
    log: sections.LogSettings = sections.LogSettings()

    @classmethod
    def load(cls, path: Path, environ: Mapping[str, str]) -> Self:
        """Settings from the file at `path`, overridden by `HUXIN_*` of `environ` (`__` between table and key).

        Relative paths count from the folder of the file, the node's home. Raises BadConfiguration naming the key.
        """
        given = {name: value for name, value in environ.items() if name.startswith(PREFIX) and name != HOME_VARIABLE}
        refuse_unknown_variables(cls, given, PREFIX)
        variables = EnvSettingsSource(cls)
        variables.env_vars = {name.lower(): value for name, value in given.items()}
        try:
            settings = cls(**_merged(_read(path), variables()))
        except ValidationError as error:
            raise first_mistake(cls, error, given, PREFIX) from None
        home = path.absolute().parent
        database = settings.database
        if not database.url:
            database = database.model_copy(update={"url": f"sqlite+aiosqlite:///{home / 'huxin.db'}"})
        return _absolute(settings.model_copy(update={"database": database}), home)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands over: nothing is read behind the caller's back."""
        return (init_settings,)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        message = "cannot be read. Create a jurisdiction with `huxin init`, or name its home with --home."
        raise BadConfiguration(path.name, message) from None
    except UnicodeDecodeError:
        raise BadConfiguration(path.name, "is not UTF-8 text. Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        position = _TOML_POSITION.search(str(error))
        place = f" at {position[1]}" if position else ""
        message = f"is not TOML{place}. Texts need quotes, tables stand as [name], a key stands once."
        raise BadConfiguration(path.name, message) from None


def _merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` upon `base`, table by table."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def _absolute(model: Model, home: Path) -> Model:
    """The same settings with every path counted from `home`."""
    update: dict[str, Any] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            update[name] = _absolute(value, home)
        elif isinstance(value, Path):
            update[name] = home / value
        elif isinstance(value, tuple) and any(isinstance(part, Path) for part in value):
            update[name] = tuple(home / part for part in value)
    return model.model_copy(update=update)
