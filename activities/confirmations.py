"""Writing and sending remittance confirmations."""

import smtplib
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import Engine
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.errors import boundary, gone
from models.messages.confirmations import ConfirmationInput, ConfirmationResult
from models.tls import client_context
from operations.cash import confirmations

Transport = Callable[[EmailMessage], None]


class NotEncrypted(Exception):
    """The mail server offers no STARTTLS, and what is sent has names and amounts in it."""


def smtp_transport(url: str, *, encrypted: bool = False) -> Transport:
    """Delivers by smtp:// or smtps://user:password@host:port; STARTTLS where the server offers it. `encrypted`: not without,
    neither a login nor a message."""
    parts = urlsplit(url)

    def deliver(message: EmailMessage) -> None:
        host, port = parts.hostname or "localhost", parts.port
        context = client_context()
        server: smtplib.SMTP
        if parts.scheme == "smtps":
            server = smtplib.SMTP_SSL(host, port or 465, timeout=20, context=context)
        else:
            server = smtplib.SMTP(host, port or 25, timeout=20)
        with server:
            server.ehlo()
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif parts.scheme == "smtp" and encrypted:
                raise NotEncrypted(host)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)

    return deliver


def folder_transport(folder: Path) -> Transport:
    """In development without a mail server: each message becomes a file, named by its id, so a repeat replaces it."""

    def deliver(message: EmailMessage) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = message["Message-ID"].strip("<>").split("@")[0]
        (folder / f"{name}.eml").write_bytes(message.as_bytes())

    return deliver


class ConfirmationActivities:
    """Bound to the worker's engine and its way to send mail."""

    def __init__(self, engine: Engine, transport: Transport) -> None:
        self._engine = engine
        self._transport = transport

    @activity.defn(name="send_confirmation", no_thread_cancel_exception=True)
    def send_confirmation(self, start: ConfirmationInput) -> ConfirmationResult:
        """Send once: what was recorded as sent is not sent again, nor what is just then being sent; the Message-ID is the
        session's for ever."""
        with boundary():
            if not confirmations.is_there(self._engine, start.org_id, start.session_id):
                raise gone(start.session_id)
            with confirmations.alone(self._engine, start.org_id, start.session_id) as alone:
                if not alone:
                    raise ApplicationError("an earlier try is still being sent", type="BEING_SENT")
                return self._send(start)

    def _send(self, start: ConfirmationInput) -> ConfirmationResult:
        draft = confirmations.draft(self._engine, start.org_id, start.session_id)
        if draft.message is not None:
            self._transport(draft.message)
        if draft.status is None:
            return ConfirmationResult(confirmations.record(self._engine, start.org_id, start.session_id, draft))
        return ConfirmationResult(draft.status)

    @activity.defn(name="report_undelivered", no_thread_cancel_exception=True)
    def report_undelivered(self, start: ConfirmationInput) -> None:
        """Put it on a person's desk."""
        with boundary():
            confirmations.report_undelivered(self._engine, start.org_id, start.session_id, start.failing_with)
