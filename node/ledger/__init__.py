"""Logs of signed statements: the own one, which one sequencer extends, and the replicas of the peers."""
