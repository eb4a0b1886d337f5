"""Faults of the system for the programs under test: a library that is preloaded brings them about
(tests/support/faults_preload.c)."""

import os

PRELOAD = os.path.join(os.environ["BUILD_DIR"], "tests/support/libfaults_preload.so")


def environment(**faults):
    """An environment in which a program meets these faults."""
    chosen = {**os.environ, "LD_PRELOAD": PRELOAD, **faults}
    # The sanitizer wants to be first; it need not be.
    chosen["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return chosen
