"""Chapter 9: a key is replaced and everybody knows; an old registry is refused and changes nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

from ops.demo.commands import StoryBroken, together
from ops.demo.recognising import wait_until
from ops.demo.registering import ARCHIVE
from ops.demo.stage import Stage


def change(stage: Stage) -> None:
    """Chapter 9."""
    stage.chapter(
        9,
        "Shanxi replaces a key, and somebody tries to undo it 更换密钥，拒绝回滚",
        "A new signing key is published a day before it signs, so that nobody meets a signature of a key it cannot "
        "know.",
    )
    stage.echo("shanxi key rotate")
    stage.huxin("shanxi", "key", "rotate")
    seconds = wait_until(
        lambda: len(stage.huxin("lanzhou", "trust", "explain", "140000", "--json").json["keys"]) > 1,
        "Lanzhou does not know Shanxi's new key",
    )
    stage.echo("lanzhou trust explain 140000", f"known within {seconds:.0f} s: why Shanxi is believed, link by link")
    explained, status = together(
        [
            partial(stage.huxin, "lanzhou", "trust", "explain", "140000"),
            partial(stage.huxin, "lanzhou", "trust", "status"),
        ]
    )
    stage.page(explained.stdout)
    stage.echo("lanzhou trust status")
    stage.page(status.stdout)
    stage.say(
        f"Somebody brings Lanzhou the registry of chapter 2, {ARCHIVE}: before the new key, before the recognition. "
        "Every signature in it is genuine."
    )
    before = known(stage)
    stage.echo(f"lanzhou trust refresh --from {ARCHIVE}")
    refused = stage.huxin("lanzhou", "trust", "refresh", "--from", ARCHIVE, expect=3)
    if "older" not in refused.stderr:
        raise StoryBroken(f"the old registry was refused for another reason: {refused.stderr}")
    stage.page(refused.stderr)
    if known(stage) != before:
        raise StoryBroken("the old registry was refused, and yet something changed")
    stage.say(f"Nothing changed: snapshot {before['snapshot_version']} goes on counting.")


def known(stage: Stage) -> dict[str, Any]:
    """What Lanzhou knows of the registry, without the age of it."""
    status: dict[str, Any] = stage.huxin("lanzhou", "trust", "status", "--json").json
    return {name: value for name, value in status.items() if name != "age_seconds"}
