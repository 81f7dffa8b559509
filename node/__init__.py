"""huxin: one node per jurisdiction. The rooms and who may import whom: `docs/architecture.md`."""
