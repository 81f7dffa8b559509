"""The worked examples of `docs/recognition.md` as one data file, `examples.toml`, and its loader."""
