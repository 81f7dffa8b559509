"""What a process costs: memory, processor time, and that of one signature check for comparison between runs."""

from __future__ import annotations

import os
import time
from pathlib import Path

from trust.algorithms import Suite, load_public_key
from trust.keys import generate

_CHECKS = 2_000


def resident_bytes(process: int | str = "self") -> int:
    """Memory that a process has at the moment."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(process: int) -> float:
    """Processor time that a process has used so far, of all its threads, its own and the kernel's for it."""
    after_name = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def one_check_seconds() -> float:
    """Processor time of one raw check of an Ed25519 signature over a message as long as an attestation."""
    key = generate(Suite.ED25519)
    public, message = load_public_key(key.spki, Suite.ED25519), bytes(640)
    signature = key.sign(message)
    used = time.process_time()
    for _ in range(_CHECKS):
        public.verify(signature, message)
    return (time.process_time() - used) / _CHECKS
