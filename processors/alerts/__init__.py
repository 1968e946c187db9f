"""Alerts: who is told of which story, in which words, by which channel."""
