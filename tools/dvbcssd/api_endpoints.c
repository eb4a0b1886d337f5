/*
 * /api/v1/endpoints: who is let in.
 */
#include <string.h>

#include "api.h"
#include "api_body.h"
#include "endpoints.h"

enum { MAX_CONNECTIONS = 1000000 };

static json_t *describe(const struct services *services, enum endpoint_kind kind)
{
    struct dvbcss_endpoint *endpoint = endpoint_of(services, kind);
    int limit = dvbcss_endpoint_max_connections(endpoint);

    return json_pack("{s:s, s:s, s:b, s:o, s:I}", "name", endpoint_names[kind], "path",
                     dvbcss_endpoint_path(endpoint), "enabled", dvbcss_endpoint_enabled(endpoint),
                     "max_connections",
                     limit == DVBCSS_UNLIMITED ? json_null() : json_integer(limit), "connections",
                     (json_int_t)dvbcss_endpoint_connection_count(endpoint));
}

json_t *api_describe_endpoints(const struct services *services)
{
    json_t *list = json_array();

    for (int i = 0; i < ENDPOINT_COUNT; i++)
        json_array_append_new(list, describe(services, (enum endpoint_kind)i));
    return list;
}

void api_list_endpoints(struct api_call *call)
{
    api_answer(call, 200, json_pack("{s:o}", "endpoints", api_describe_endpoints(call->services)));
}

/* Finds the endpoint that the path names; refuses the request if there is none. */
static bool find(const struct api_call *call, enum endpoint_kind *kind)
{
    if (endpoint_named(call->parameter, kind))
        return true;
    api_refuse(call, 404, NULL, "there is no endpoint %s", call->parameter);
    return false;
}

void api_get_endpoint(struct api_call *call)
{
    enum endpoint_kind kind;

    if (find(call, &kind))
        api_answer(call, 200, describe(call->services, kind));
}

void api_change_endpoint(struct api_call *call)
{
    static const struct body_member members[] = {
        {"enabled", BODY_BOOLEAN, false, false, 0, 0},
        {"max_connections", BODY_INTEGER, false, true, 0, MAX_CONNECTIONS},
    };
    enum { ENABLED, LIMIT, COUNT };
    struct body_value values[COUNT];
    struct body_error error;
    enum endpoint_kind kind;
    int result = 0;

    if (!find(call, &kind))
        return;
    if (body_read(call->body, members, COUNT, values, &error) != 0) {
        api_refuse(call, 400, error.member, "%s", error.reason);
        return;
    }
    if (values[ENABLED].presence == DVBCSS_VALUE)
        result = endpoint_enable(call->services, kind, values[ENABLED].truth);
    if (result != 0) {
        api_refuse_error(call, result, "enabled");
        return;
    }
    if (values[LIMIT].presence != DVBCSS_OMITTED)
        dvbcss_endpoint_set_max_connections(
            endpoint_of(call->services, kind),
            values[LIMIT].presence == DVBCSS_NULL ? DVBCSS_UNLIMITED : (int)values[LIMIT].integer);
    api_answer(call, 200, describe(call->services, kind));
}
