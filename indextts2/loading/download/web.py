"""Reading from web servers that cut, stall and turn away: one request at a time, with retries and retries.

Only the standard library: proxies come from the usual variables (HTTPS_PROXY, NO_PROXY), certificates from the system
or, where it is installed, from certifi.
"""

from __future__ import annotations

import email.utils
import http.client
import logging
import os
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ...checks import check_fields
from ...errors import Cancelled, IndexTTS2Error

logger = logging.getLogger(__name__)

AGENT = "indextts2-download"
LARGEST_ANSWER = 32 << 20  # bytes of a listing
LONGEST_ASKED_WAIT = 3_600.0  # seconds a server can make a download wait
LONGEST_WAIT_DIGITS = 9
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class HttpFailure(IndexTTS2Error):
    """A request failed. status: the server's code, 0 where there was no answer. wait: seconds the server asks for."""

    def __init__(self, message: str, status: int = 0, wait: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.wait = status, wait

    @property
    def may_pass(self) -> bool:
        """Whether trying again can help."""
        return self.status == 0 or self.status in RETRIED


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Limits of repeated requests."""

    timeout: float = 30.0  # seconds without a byte
    tries: int = 6  # failures in a row, without a byte between them
    first_wait: float = 1.0
    longest_wait: float = 60.0

    def __post_init__(self) -> None:
        check_fields(self, timeout=(0.001, 86_400), tries=(1, 1_000), first_wait=(0, 86_400), longest_wait=(0, 86_400))

    def wait_after(self, failures: int, asked: float = 0.0) -> float:
        """Seconds to wait after the n-th failure in a row; what a server asks for counts, within reason."""
        return min(max(self.first_wait * 2 ** (failures - 1), asked), self.longest_wait)


@dataclass(slots=True)
class HttpClient:
    """Requests that share a retry policy and a way to stop them all."""

    retries: RetryPolicy = field(default_factory=RetryPolicy)
    stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def open(self, address: str, headers: Mapping[str, str] | None = None) -> Iterator[Any]:
        """A response to read from. Raises HttpFailure, also for what goes wrong while it is read."""
        request = urllib.request.Request(address, headers={"User-Agent": AGENT, **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=self.retries.timeout, context=_certificates()) as response:
                yield response
        except urllib.error.HTTPError as error:
            reason = f"{address} answered {error.code} {error.reason}"
            raise HttpFailure(reason, error.code, _asked_wait(error.headers)) from error
        except urllib.error.URLError as error:
            raise HttpFailure(f"{address} cannot be reached ({error.reason})") from error
        except TimeoutError as error:
            raise HttpFailure(f"{address} sent nothing for {self.retries.timeout:g} s") from error
        except (http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
            raise HttpFailure(f"the connection to {address} broke ({error or type(error).__name__})") from error
        except ValueError as error:  # no address at all
            raise HttpFailure(f"'{address}' is not an address", status=400) from error

    def read(self, address: str) -> bytes:
        """A small answer, tried again while that can help."""
        failures = 0
        while True:
            try:
                with self.open(address) as response:
                    answer = bytes(response.read(LARGEST_ANSWER + 1))
                if len(answer) > LARGEST_ANSWER:
                    raise HttpFailure(f"{address} sent more than {LARGEST_ANSWER >> 20} MiB of listing", status=400)
                return answer
            except HttpFailure as failure:
                failures += 1
                self.pause(failures, failure)

    def pause(self, failures: int, failure: HttpFailure) -> None:
        """Wait after a failure, or raise it when waiting is over. Raises Cancelled when stopped."""
        if not failure.may_pass or failures >= self.retries.tries:
            raise failure
        seconds = self.retries.wait_after(failures, failure.wait)
        logger.info("%s; the next try is in %.1f s", failure, seconds)
        if self.stop.wait(seconds):
            raise Cancelled("The download was stopped.")


def _asked_wait(headers: Any) -> float:
    """Seconds of a Retry-After header, given as a number or a date."""
    text = (headers.get("Retry-After") or "").strip() if headers is not None else ""
    try:
        if text.isascii() and text.isdigit():
            return min(float(text[:LONGEST_WAIT_DIGITS]), LONGEST_ASKED_WAIT)
        seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time() if text else 0.0
    except (ValueError, OverflowError, TypeError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_ASKED_WAIT)


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    own = None
    if not os.environ.get("SSL_CERT_FILE"):
        try:
            import certifi

            own = certifi.where()
        except ImportError:
            own = None
    return ssl.create_default_context(cafile=own)
