"""The commands of `huxin`: the only place that prints."""
