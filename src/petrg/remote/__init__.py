"""The one client of OpenAI-compatible servers; nothing leaves the machine unless the user names a server."""

from petrg.remote.client import Answer, Question, Server, chat, server
from petrg.remote.workers import each

__all__ = ["Answer", "Question", "Server", "chat", "each", "server"]
