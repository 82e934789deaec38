"""Why TLS did not come about, in words, from what OpenSSL says of it."""

from __future__ import annotations

import asyncio
import ssl

from backends.api.errors import BackendError, Denied

EXPIRED, NOT_YET = 10, 9
WRONG_NAME = (62, 64)
"""X509_V_ERR codes of OpenSSL (x509_vfy.h)."""
PROBE = 1.0
"""Seconds that a handshake may take which only asks whether there is TLS."""


async def spoken(host: str, port: int) -> bool:
    """Whether TLS is spoken there: most who speak it hang up on plain words without one of their own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(PROBE):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLError as error:
        return "ALERT" in str(error.reason)
    except OSError:
        return False
    writer.close()
    return True


def words(error: ssl.SSLError) -> str:
    """OpenSSL's own, where nothing plainer is known."""
    return f"TLS: {str(error.reason or error).lower().replace('_', ' ')}"


def server_certificate(error: ssl.SSLCertVerificationError, host: str, where: str) -> Denied:
    """Why we did not take the server's certificate."""
    if error.verify_code == EXPIRED:
        return Denied("the server's certificate has expired", where=where)
    if error.verify_code == NOT_YET:
        return Denied("the server's certificate is not valid yet", where=where, hint="is a clock wrong?")
    if error.verify_code in WRONG_NAME:
        hint = "use a name that the certificate holds"
        return Denied(f"the server's certificate is not for {host}", where=where, hint=hint)
    return Denied(
        "the server's certificate is signed by a CA that we don't trust",
        where=where,
        hint="set ca to the file of the CA that signed it",
    )


def refused_ours(error: ssl.SSLError, where: str, *, shown: bool) -> BackendError | None:
    """Why the server did not take our certificate (`shown`: we have one); None where that is not what it says.

    With TLS 1.3 it says so only after the handshake.
    """
    reason = str(error.reason)
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason or "BAD_CERTIFICATE" in reason:
        if not shown:
            return Denied("the server wants a client certificate", where=where, hint="set cert and key")
        hint = "has it expired, or is it signed by another CA than the server trusts?"
        return Denied("the server refuses our client certificate", where=where, hint=hint)
    if "CERTIFICATE_EXPIRED" in reason:
        return Denied("our client certificate has expired", where=where)
    if "UNKNOWN_CA" in reason:
        return Denied("the server does not trust our client certificate's CA", where=where)
    return None
