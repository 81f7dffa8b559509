"""Chapter 2: three officials found a trust registry, and all four jurisdictions join it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from rich.table import Table

from ops.demo.commands import StoryBroken, together
from ops.demo.stage import Stage

HOLDERS = ("shanxi", "guizhou", "lanzhou")
THRESHOLD = 2
COORDINATOR = "shanxi"

STICK = Path("stick")
"""The folder that goes around, as on a USB stick."""
ROOT, TARGETS = STICK / "1.root.json", STICK / "1.targets.json"
ARCHIVE = "registry.zip"
"""The registry in one file, as it was on the day of its founding."""


def office(home: str) -> Path:
    """The machine of a jurisdiction's official, which is never on a network."""
    return Path(f"office-{home}")


def register(stage: Stage) -> None:
    """Chapter 2."""
    stage.chapter(
        2,
        "Three officials found a trust registry 三地签署，建立信任登记库",
        "Whose keys count is decided by people, with keys that are never on a network: any two of Shanxi, Guizhou and "
        "Lanzhou. In the registry each jurisdiction publishes under its own division code, and under no other.",
    )
    _make_keys(stage)
    _write_documents(stage)
    digests = _sign(stage)
    _publish(stage, digests[ROOT])
    stage.echo("shanxi serve", "so do the others")
    for one in stage.jurisdictions.values():
        stage.nodes.start(one)
    stage.say(
        "[italic]From here on nobody hands over a file: nodes publish what changes, and ask each other for news over "
        "gRPC (every two seconds here, every 20 by default). Whoever passes it on can delay it and alter nothing.[/]"
    )


def _make_keys(stage: Stage) -> None:
    stage.echo_offline(f"trust key new root -o {office('shanxi')}/root.key", "each of the three; it never leaves")
    stage.echo_offline("trust key new snapshot -o shanxi/keys/snapshot.key", "Shanxi coordinates; timestamp likewise")
    for home in HOLDERS:
        (stage.folder / office(home)).mkdir()
    made = [("root", _root_key(home)) for home in HOLDERS]
    made += [(role, _online_key(role)) for role in ("snapshot", "timestamp")]
    together([partial(stage.huxin.offline, "trust", "key", "new", role, "-o", path) for role, path in made])


def _write_documents(stage: Stage) -> None:
    """Root, and targets with one delegation after the other: nobody has signed yet."""
    words: list[str | Path] = ["--folder", STICK, "--threshold", str(THRESHOLD)]
    words += ["--coordinator", stage.jurisdictions[COORDINATOR].division]
    for home in HOLDERS:
        words += ["--holder", f"{stage.jurisdictions[home].division}={_root_key(home).with_suffix('.pub')}"]
    for role in ("snapshot", "timestamp"):
        words += [f"--{role}", _online_key(role).with_suffix(".pub")]
    (stage.folder / STICK).mkdir()
    stage.echo_offline(f"trust root init --folder {STICK} --threshold {THRESHOLD} --coordinator 140000 --holder ...")
    stage.huxin.offline("trust", "root", "init", *words)
    stage.echo_offline(f"trust delegate 520000 --key guizhou/keys/registry.pub --folder {STICK}", "and the others")
    for home, one in stage.jurisdictions.items():
        key = Path(home) / "keys" / "registry.pub"
        stage.huxin.offline("trust", "delegate", one.division, "--key", key, "--folder", STICK)


def _sign(stage: Stage) -> dict[Path, str]:
    """Two of the three sign, each what all have compared. The digests. Raises StoryBroken when one is enough."""
    stage.echo_offline(f"trust root show {ROOT}", "each reads on the own screen; digests 摘要 by telephone")
    shown = together(
        [partial(stage.huxin.offline, "trust", "root", "show", file, "--json") for file in (ROOT, TARGETS)]
    )
    digests = {file: str(answer.json[0]["digest"]) for file, answer in zip((ROOT, TARGETS), shown, strict=True)}
    table = Table.grid(padding=(0, 2))
    for file, digest in digests.items():
        table.add_row(file.name, " ".join(digest[at : at + 8] for at in range(0, 40, 8)) + " ...")
    stage.show(table)
    for number, home in enumerate(HOLDERS[:THRESHOLD], 1):
        key = _root_key(home)
        stage.echo_offline(f"trust root sign {ROOT} --key {key} --digest {digests[ROOT]}", f"and {TARGETS.name}")
        signed = together(
            [
                partial(stage.huxin.offline, "trust", "root", "sign", file, "--key", key, "--digest", digest, "--json")
                for file, digest in digests.items()
            ]
        )
        enough = [bool(each["complete"]) for answer in signed for each in answer.json]
        if enough != [number == THRESHOLD] * len(digests):
            raise StoryBroken(f"after {number} of {THRESHOLD} signatures the documents say that it is enough: {enough}")
        stage.say(f"{number} of {THRESHOLD} signatures" + ("：已够 enough." if number == THRESHOLD else "."))
    return digests


def _publish(stage: Stage, digest: str) -> None:
    """The coordinator releases what was signed, and everybody's first publication; then all begin from an archive."""
    homes = list(stage.jurisdictions)
    publications = [f"{home}.publication" for home in homes]
    stage.echo("guizhou trust publish -o guizhou.publication", "once by hand, as do the others; later by itself")
    stage.echo(f"shanxi trust join {ROOT} --digest {digest}")
    stage.echo(f"shanxi trust accept {ROOT} {TARGETS} *.publication", "the coordinator's first release")
    works = [partial(stage.huxin, home, "trust", "publish", "-o", f"{home}.publication") for home in homes]
    works.append(partial(stage.huxin, COORDINATOR, "trust", "join", ROOT, "--digest", digest))
    together(works)
    stage.huxin(COORDINATOR, "trust", "accept", ROOT, TARGETS, *publications)
    stage.echo(f"shanxi trust archive -o {ARCHIVE}")
    stage.huxin(COORDINATOR, "trust", "archive", "-o", ARCHIVE)
    stage.echo(f"guizhou trust join {ROOT} --digest {digest} --from {ARCHIVE}", "so do Lanzhou and Liaoning")
    together(
        [
            partial(stage.huxin, home, "trust", "join", ROOT, "--digest", digest, "--from", ARCHIVE)
            for home in homes
            if home != COORDINATOR
        ]
    )


def _root_key(home: str) -> Path:
    return office(home) / "root.key"


def _online_key(role: str) -> Path:
    return Path(COORDINATOR) / "keys" / f"{role}.key"
