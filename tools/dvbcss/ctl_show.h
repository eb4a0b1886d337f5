/**
 * @file
 * The control API's answers as tables for people.
 */
#ifndef DVBCSS_TOOL_CTL_SHOW_H
#define DVBCSS_TOOL_CTL_SHOW_H

#include <jansson.h>

/** Prints an answer; `what` has the shape that the API describes. */
typedef void (*ctl_show)(json_t *what);

void ctl_show_status(json_t *what);
void ctl_show_endpoints(json_t *what);
void ctl_show_endpoint(json_t *what);
void ctl_show_connections(json_t *what);
void ctl_show_scheduled(json_t *what);
void ctl_show_timelines(json_t *what);
void ctl_show_reload(json_t *what);

/** A timeline or the media as they are now, or the change that waits for its time. */
void ctl_show_changed(json_t *what);

/** Any object, a line for each member. */
void ctl_show_object(json_t *what);

#endif
