/**
 * @file
 * Showing what a TV says in CSS-CII: for the commands that follow it.
 */
#ifndef DVBCSS_TOOL_CII_REPORT_H
#define DVBCSS_TOOL_CII_REPORT_H

#include "dvbcss/cii.h"
#include "watch.h"

/**
 * Shows a change: to people each property that is another now, as JSON one line
 * {"event": "cii", "changed": [names], "content_id": ..., "state": {the whole state}}.
 *
 * @param state   what the TV has said so far
 * @param changed mask of the properties that are different now
 */
void cii_report_change(struct watch *watch, const struct dvbcss_cii *state, unsigned changed);

/** All that the TV has said so far, as in a CII message; NULL without memory. */
json_t *cii_report_state(const struct dvbcss_cii *state);

#endif
