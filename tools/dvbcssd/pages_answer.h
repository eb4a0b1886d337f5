/**
 * @file
 * How pages are answered: with headers that keep a page to itself and others away from it. Private
 * to the pages.
 */
#ifndef DVBCSSD_PAGES_ANSWER_H
#define DVBCSSD_PAGES_ANSWER_H

#include <jansson.h>
#include <stddef.h>

#include "dvbcss/server.h"
#include "pages_file.h"

/** Largest answer: of a larger file a client asks for parts (Range). */
enum { PAGES_ANSWER_MAX = 1048576 };

/** Answers a GET or HEAD with a file, a part of it, or that it did not change. Returns the status
 * of the answer. */
unsigned pages_answer_file(const struct dvbcss_http_request *request, const struct pages_file *file,
                           uint64_t *bytes);

/** Answers with JSON, which is taken over; NULL (no memory) answers 500. Returns the status. */
unsigned pages_answer_json(const struct dvbcss_http_request *request, json_t *json);

/** Refuses with a line of text; @p allow names the methods for a 405 and is NULL otherwise. Returns
 * the status. */
unsigned pages_refuse(const struct dvbcss_http_request *request, unsigned status,
                      const char *reason, const char *allow);

#endif
