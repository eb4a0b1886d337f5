/**
 * @file
 * The file of the certificate that the daemon in world.h shows. It has no name, so that nothing is
 * left of it however the process ends.
 */
#ifndef TESTS_FUZZ_WORLD_CERTIFICATE_H
#define TESTS_FUZZ_WORLD_CERTIFICATE_H

#include <stddef.h>

/** Makes the file, once for the process. */
void world_certificate_make(void);

/** What opens it, in this process alone. */
const char *world_certificate_path(void);

/** Puts other bytes into it, or, if there are none, another certificate that can be used. */
void world_certificate_replace(const void *bytes, size_t length);

/** Puts back what was in it in the beginning. */
void world_certificate_put_back(void);

#endif
