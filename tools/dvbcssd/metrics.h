/**
 * @file
 * The daemon's figures in the text format of Prometheus, version 0.0.4.
 */
#ifndef DVBCSSD_METRICS_H
#define DVBCSSD_METRICS_H

#include <stddef.h>

#include "services.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/** Writes them all. Returns a text to be freed with free(); NULL without memory. */
char *metrics_write(const struct services *services, size_t *length);

#endif
