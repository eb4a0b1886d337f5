"""Certificates for tests, made on the spot by openssl."""

import os
import ssl
import subprocess

NAMES = "DNS:tv.example,DNS:localhost,IP:127.0.0.1"


class Certificate:
    """A certificate that vouches for itself and its key, as two files in a folder."""

    def __init__(self, folder, name="tv", names=NAMES, kind="ec"):
        self.certificate = os.path.join(folder, name + ".pem")
        self.key = os.path.join(folder, name + ".key")
        key = ["-newkey", "rsa:2048"] if kind == "rsa" else [
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-x509", *key, "-nodes", "-days", "2", "-subj", "/CN=" + name,
                "-addext", "subjectAltName=" + names, "-keyout", self.key,
                "-out", self.certificate)

    def pin(self):
        """The SHA-256 of the public key, as `openssl` and `base64` make it."""
        key = openssl("x509", "-in", self.certificate, "-noout", "-pubkey")
        der = openssl("pkey", "-pubin", "-outform", "DER", text=key)
        digest = openssl("dgst", "-sha256", "-binary", text=der)
        return "sha256//" + openssl("base64", "-A", text=digest).decode().strip()

    def trust(self):
        """A context for clients that believe this certificate and no other."""
        context = ssl.create_default_context(cafile=self.certificate)
        context.set_alpn_protocols(["http/1.1"])
        return context


def openssl(*arguments, text=b""):
    """What openssl writes to its standard output, as bytes."""
    done = subprocess.run(["openssl", *arguments], input=text, capture_output=True, timeout=30,
                          check=False)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout
