"""The core of signalr-bot, and the faces that are not Slack."""

__version__ = "0.1.0"
