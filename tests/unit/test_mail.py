"""What is sent in clear, and what is not."""

from email.message import EmailMessage

import pytest

from activities.confirmations import NotEncrypted, smtp_transport
from stack.process import free_port
from tests.mail import mail_server


def test_nothing_goes_out_in_clear_where_it_must_be_encrypted() -> None:
    message, port = EmailMessage(), free_port()
    message["From"], message["To"], message["Message-ID"] = "a@example.com", "b@example.com", "<x@arflow>"
    message.set_content("650.00 USD")
    with mail_server(port) as kept:
        for login in ("", "user:secret@"):
            with pytest.raises(NotEncrypted):
                smtp_transport(f"smtp://{login}127.0.0.1:{port}", encrypted=True)(message)
        assert kept.messages == []
        smtp_transport(f"smtp://127.0.0.1:{port}")(message)
        assert kept.ids() == ["<x@arflow>"]
