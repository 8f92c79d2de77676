"""Conversation: the jobs of the API as tools of the Model Context Protocol.

Every tool asks the HTTP API with the caller's own token, in this process or from another one. So a tool can do what its
caller could do there, under the same checks, and nothing else; this room knows no database and no process.
"""
