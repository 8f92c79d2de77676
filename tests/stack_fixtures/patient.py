"""A caller as docs/api.md, section 2, wants one: what a busy machine has not answered in time is asked again with its key."""

import time

import httpx2

PATIENCE = 90.0
LATER = ("could not be started", "is kept; ask again", "The answer is not there yet", "The process does not answer")
"""What a 503 says of a request that came too soon for the machine; any other is what the test wants to see."""


class Patient(httpx2.HTTPTransport):
    """Sends a write again, under its Idempotency-Key, until its answer is there. `extensions["waited"]` says that it had to.

    A write that takes longer than five seconds is answered 202 (docs/api.md, section 2): on a machine that stands still for
    a moment that is any write.
    """

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()  # to be sent again
        response = super().handle_request(request)
        deadline = time.monotonic() + PATIENCE
        waited = False
        while self._later(response) and time.monotonic() < deadline:
            waited = True
            response.close()
            time.sleep(0.2)
            if key := response.headers.get("Idempotency-Key"):
                request.headers["Idempotency-Key"] = key
            response = super().handle_request(request)
        if waited:
            response.extensions["waited"] = True
            response.headers.pop("Idempotent-Replayed", None)  # it is the first answer that this caller sees
        return response

    @staticmethod
    def _later(response: httpx2.Response) -> bool:
        if "Retry-After" not in response.headers:
            return False
        if response.status_code == 202:
            return response.headers.get("Location", "").startswith("/v1/operations/")
        if response.status_code != 503:
            return False
        response.read()
        return any(words in response.text for words in LATER)
