"""Verifies LEAF through INTERMEDIATE up to ROOT with python-cryptography. Exit status 0: accepted."""

import datetime
import sys

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID


def load(path):
    with open(path, "rb") as file:
        return x509.load_pem_x509_certificate(file.read())


def check_signed(child, parent):
    assert child.issuer == parent.subject, "issuer"
    assert parent.extensions.get_extension_for_class(x509.BasicConstraints).value.ca, "not a CA"
    key, digest = parent.public_key(), child.signature_hash_algorithm
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(child.signature, child.tbs_certificate_bytes, ec.ECDSA(digest))
    else:
        key.verify(child.signature, child.tbs_certificate_bytes, padding.PKCS1v15(), digest)


root, middle, leaf = (load(path) for path in sys.argv[1:4])
check_signed(root, root)
check_signed(middle, root)
if leaf != middle and leaf != root:
    check_signed(leaf, middle)
now = datetime.datetime.utcnow()
for one in (root, middle, leaf):
    assert one.not_valid_before <= now <= one.not_valid_after, "validity"
    assert all(not extension.critical or extension.oid in (
        ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE) for extension in one.extensions), "critical"
if sys.argv[4] != "any":
    purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    wanted = ExtendedKeyUsageOID.SERVER_AUTH if sys.argv[4] == "server" else ExtendedKeyUsageOID.CLIENT_AUTH
    assert wanted in purposes, "purpose"
