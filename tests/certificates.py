"""Certificates for tests of TLS: an authority, and what it signs."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_PEM = serialization.Encoding.PEM


@dataclasses.dataclass(frozen=True)
class Pair:
    """The files of a certificate and its private key."""

    cert: pathlib.Path
    key: pathlib.Path


class Authority:
    """Signs certificates; `cert` is the file of its own."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self._folder, self._name, self._key = folder, name, _new_key()
        self.cert = self._write(name, self._key, is_authority=True).cert

    def issue(self, name: str) -> Pair:
        return self._write(name, _new_key(), is_authority=False)

    def _write(self, name: str, key: rsa.RSAPrivateKey, *, is_authority: bool) -> Pair:
        now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
        serial = x509.random_serial_number()
        builder = x509.CertificateBuilder(_name(self._name), _name(name), key.public_key(), serial)
        builder = builder.not_valid_before(now - day).not_valid_after(now + day)
        constraints = x509.BasicConstraints(ca=is_authority, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.cert.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM))
        form = serialization.PrivateFormat.TraditionalOpenSSL
        pair.key.write_bytes(key.private_bytes(_PEM, form, serialization.NoEncryption()))
        return pair


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
