"""Bad weather on the links between four provinces, provinces cut off, and processes killed: as a seed decides."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from tests.integration.chaos import DIVISIONS, Four
from tests.support.chaos_proxy import CALM, ChaosProxy, Weather


def weather_of(rng: random.Random) -> Weather:
    """Some weather: now and then fine, mostly bad in one or two ways."""
    return rng.choice(
        (
            CALM,
            Weather(delay=0.05, jitter=0.1),
            Weather(delay=0.01, stalls=0.1, stall=0.5),
            Weather(resets=0.05),
            Weather(delay=0.02, jitter=0.05, stalls=0.05, resets=0.01),
            Weather(half_opens=0.05),
            Weather(bytes_per_second=20_000),
            Weather(bytes_per_second=1_000),
            Weather(refuse=True, resets=0.2),
            Weather(partition=True),
        )
    )


@dataclass
class Storm:
    """Changes the weather on links, cuts whole nodes off, and kills processes. `longest`: of a partition, seconds."""

    world: Four
    rng: random.Random
    longest: float
    kills: int = 0
    partitions: int = 0

    async def rage(self, seconds: float) -> None:
        """For so long; afterwards the weather is fine and every process lives."""
        tasks = [
            asyncio.create_task(self._weather(min(3.0, seconds / 12))),
            asyncio.create_task(self._death(min(20.0, seconds / 12))),
        ]
        try:
            done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        # Some connections are half-open when the sun comes out: they must be noticed, for nothing will end them.
        for proxy in self.world.links.values():
            if self.rng.random() < 0.5:
                proxy.half_open_all()
        self.world.calm()
        for division in DIVISIONS:
            if division not in self.world.present:
                await self.world.bear(division)

    async def _weather(self, longest: float) -> None:
        """A new spell of weather after at most `longest` seconds."""
        async with asyncio.TaskGroup() as spells:
            while True:
                if self.rng.random() < 0.1:
                    spells.create_task(self._cut_off(self.rng.choice(DIVISIONS), self.rng.random() * self.longest))
                for key in self.rng.sample(sorted(self.world.links), 4):
                    proxy, weather = self.world.links[key], weather_of(self.rng)
                    if proxy.weather.partition:
                        continue
                    if weather.partition:
                        spells.create_task(self._partition([proxy], self.rng.random() * self.longest))
                    else:
                        proxy.change(weather)
                await asyncio.sleep(self.rng.uniform(0.2, 1.0) * longest)

    async def _cut_off(self, division: str, seconds: float) -> None:
        links = [proxy for key, proxy in self.world.links.items() if division in key]
        await self._partition(links, seconds)

    async def _partition(self, proxies: list[ChaosProxy], seconds: float) -> None:
        self.partitions += 1
        for proxy in proxies:
            proxy.change(Weather(partition=True))
        await asyncio.sleep(seconds)
        for proxy in proxies:
            proxy.change(CALM)

    async def _death(self, longest: float) -> None:
        """A kill after at most `longest` seconds."""
        while True:
            await asyncio.sleep(self.rng.uniform(0.2, 1.0) * longest)
            division = self.rng.choice(DIVISIONS)
            await self.world.kill(division)
            self.kills += 1
            await asyncio.sleep(self.rng.random())
            await self.world.bear(division)
