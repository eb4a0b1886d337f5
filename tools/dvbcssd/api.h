/**
 * @file
 * The HTTP API under /api/v1, described by docs/openapi/dvbcssd.json: a table of routes with one
 * function each, and what those functions use to answer.
 *
 * A request that is refused has changed nothing, and the answer says which member is wrong and why:
 * {"error": "bad_request", "member": "speed", "reason": "expected a number, got a string"}.
 */
#ifndef DVBCSSD_API_H
#define DVBCSSD_API_H

#include <jansson.h>

#include "dvbcss/server.h"
#include "services.h"

enum { API_PARAMETER_SIZE = 64 };

/** One request on its way. */
struct api_call {
    struct services *services;
    const struct dvbcss_http_request *request;
    /** Origin of the web page that may read the answer; "" or NULL for none. */
    const char *origin;
    /** What stands in the path for {name} or {id}. */
    char parameter[API_PARAMETER_SIZE];
    /** The request's JSON object; NULL if the route takes none. */
    json_t *body;
};

/** How the server beneath refuses what does not come as far as here: as api_refuse() does. */
extern const struct dvbcss_refusal_format api_refusal_format;

/** Finds the route, reads the body and has it answered. */
void api_handle(struct api_call *call);

/** Answers what companions may ask: /metrics and /healthz. @p context is a struct services. */
void api_handle_public(void *context, const struct dvbcss_http_request *request);

/** Answers with JSON, which is taken over; NULL (no memory) answers 500. */
void api_answer(const struct api_call *call, unsigned status, json_t *json);

/** Answers with a text of another type. */
void api_answer_text(const struct api_call *call, const char *content_type, const char *text,
                     size_t length);

/** Answers 204. */
void api_answer_nothing(const struct api_call *call);

/** Refuses. @p member is what is wrong in the body; NULL if it is none in particular. */
void api_refuse(const struct api_call *call, unsigned status, const char *member,
                const char *format, ...) DVBCSS_PRINTF(4, 5);

/** Refuses because of a dvbcss_error: 409, 400 or 500. */
void api_refuse_error(const struct api_call *call, int error, const char *member);

/* ---- the functions of the routes ------------------------------------------------------------ */

/* api_status.c */
void api_get_status(struct api_call *call);
void api_get_health(struct api_call *call);
void api_get_metrics(struct api_call *call);
void api_get_openapi(struct api_call *call);

/* api_endpoints.c */
void api_list_endpoints(struct api_call *call);
void api_get_endpoint(struct api_call *call);
void api_change_endpoint(struct api_call *call);
/** The array of all endpoints. */
json_t *api_describe_endpoints(const struct services *services);

/* api_connections.c */
void api_list_connections(struct api_call *call);
void api_list_endpoint_connections(struct api_call *call);
void api_get_connection(struct api_call *call);
void api_close_connection(struct api_call *call);

/* api_content.c */
void api_get_content(struct api_call *call);
void api_change_content(struct api_call *call);
/** The CII state as it stands. */
json_t *api_describe_content(const struct services *services);

/* api_timelines.c */
void api_list_timelines(struct api_call *call);
void api_add_timeline(struct api_call *call);
void api_get_timeline(struct api_call *call);
void api_change_timeline(struct api_call *call);
void api_remove_timeline(struct api_call *call);
void api_get_media(struct api_call *call);
void api_change_media(struct api_call *call);
/** The array of all timelines. */
json_t *api_describe_timelines(const struct services *services);
/** The object of the media. */
json_t *api_describe_media(const struct services *services);

/* api_scheduled.c */
void api_list_scheduled(struct api_call *call);
void api_cancel_scheduled(struct api_call *call);
/** The object of one change to come. */
json_t *api_describe_scheduled(const struct tv_scheduled *scheduled);

/* api_adjustments.c */
void api_get_adjustments(struct api_call *call);
void api_change_adjustments(struct api_call *call);
/** The object of all adjustments. */
json_t *api_describe_adjustments(const struct services *services);

/* api_daemon.c */
void api_get_programme(struct api_call *call);
void api_change_programme(struct api_call *call);
void api_reload(struct api_call *call);

#endif
