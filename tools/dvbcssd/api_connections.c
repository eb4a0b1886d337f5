/*
 * /api/v1/connections: each companion, what it asked for and what it reported.
 */
#include "api.h"
#include "api_body.h"
#include "endpoints.h"

/* ---- descriptions --------------------------------------------------------------------------- */

static json_t *describe_point(const struct dvbcss_ts_point *point)
{
    static const char *const infinities[] = {
        [DVBCSS_TS_MINUS_INFINITY] = "minusinfinity", [DVBCSS_TS_PLUS_INFINITY] = "plusinfinity"};

    return json_pack("{s:I, s:o}", "content_time_ticks", (json_int_t)point->content_time_ticks,
                     "wall_clock_time_ns",
                     point->when == DVBCSS_TS_AT ? json_integer(point->wall_clock_time_ns)
                                                 : json_string(infinities[point->when]));
}

static json_t *describe_presentation(const struct dvbcss_ts_presentation *presentation)
{
    if (!presentation)
        return json_null();
    return json_pack("{s:o, s:o, s:o}", "actual",
                     presentation->has_actual ? describe_point(&presentation->actual) : json_null(),
                     "earliest", describe_point(&presentation->earliest), "latest",
                     describe_point(&presentation->latest));
}

static json_t *describe_setup(const struct dvbcss_ts_setup *setup)
{
    if (!setup)
        return json_null();
    return json_pack("{s:s, s:s}", "content_id_stem", setup->content_id_stem, "timeline_selector",
                     setup->timeline_selector);
}

/* What only a connection of one of the protocols has. */
static json_t *describe_cii(struct dvbcss_connection *connection)
{
    return json_pack("{s:b}", "up_to_date", dvbcss_cii_endpoint_up_to_date(connection));
}

static json_t *describe_ts(struct dvbcss_connection *connection)
{
    static const char *const states[] = {[DVBCSS_TS_SESSION_WAITING] = "waiting",
                                         [DVBCSS_TS_SESSION_UNANSWERED] = "unanswered",
                                         [DVBCSS_TS_SESSION_UNAVAILABLE] = "unavailable",
                                         [DVBCSS_TS_SESSION_AVAILABLE] = "available",
                                         [DVBCSS_TS_SESSION_CLOSED] = "closed"};
    const struct dvbcss_ts_session *session = dvbcss_ts_endpoint_session(connection);

    if (!session)
        return json_null();
    return json_pack("{s:s, s:o, s:o, s:I}", "state", states[dvbcss_ts_session_state(session)],
                     "asked_for", describe_setup(dvbcss_ts_session_setup(session)), "reported",
                     describe_presentation(dvbcss_ts_session_presentation(session)), "ignored",
                     (json_int_t)dvbcss_ts_session_ignored(session));
}

static json_t *describe_app2app(struct dvbcss_connection *connection)
{
    struct dvbcss_app2app_client client;

    dvbcss_app2app_endpoint_client(connection, &client);
    return json_pack("{s:s, s:s, s:o}", "side", client.local ? "local" : "remote", "name",
                     client.name, "partner",
                     client.partner ? json_string(dvbcss_connection_id(client.partner))
                                    : json_null());
}

static json_t *describe_traffic(const struct dvbcss_connection *connection)
{
    struct dvbcss_connection_counters counters;

    dvbcss_connection_counters(connection, &counters);
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "messages_in", (json_int_t)counters.messages_in,
        "messages_out", (json_int_t)counters.messages_out, "bytes_in",
        (json_int_t)counters.bytes_in, "bytes_out", (json_int_t)counters.bytes_out, "dropped",
        (json_int_t)counters.dropped, "queued_messages", (json_int_t)counters.queued_messages,
        "queued_bytes", (json_int_t)counters.queued_bytes);
}

static json_t *describe(struct dvbcss_connection *connection, enum endpoint_kind kind)
{
    char peer[DVBCSS_ADDRESS_TEXT_SIZE], local[DVBCSS_ADDRESS_TEXT_SIZE];

    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:f, s:o, s:o, s:o, s:o}", "id",
                     dvbcss_connection_id(connection), "endpoint", endpoint_names[kind], "address",
                     dvbcss_address_format(dvbcss_connection_peer(connection), peer),
                     "local_address",
                     dvbcss_address_format(dvbcss_connection_local(connection), local), "secure",
                     dvbcss_connection_secure(connection), "age_s",
                     (double)dvbcss_connection_age_ms(connection) / 1000.0, "traffic",
                     describe_traffic(connection), "cii",
                     endpoint_speaks_cii(kind) ? describe_cii(connection) : json_null(), "ts",
                     endpoint_speaks_ts(kind) ? describe_ts(connection) : json_null(), "app2app",
                     kind == ENDPOINT_APP2APP ? describe_app2app(connection) : json_null());
}

/* ---- lists ---------------------------------------------------------------------------------- */

struct listing {
    json_t *list;
    enum endpoint_kind kind;
};

static void append(void *user, struct dvbcss_connection *connection)
{
    struct listing *listing = user;

    json_array_append_new(listing->list, describe(connection, listing->kind));
}

static void list(const struct services *services, enum endpoint_kind kind, json_t *into)
{
    struct listing listing = {into, kind};

    dvbcss_endpoint_each(endpoint_of(services, kind), append, &listing);
}

void api_list_connections(struct api_call *call)
{
    json_t *connections = json_array();

    for (int i = 0; i < ENDPOINT_COUNT; i++)
        list(call->services, (enum endpoint_kind)i, connections);
    api_answer(call, 200, json_pack("{s:o}", "connections", connections));
}

void api_list_endpoint_connections(struct api_call *call)
{
    json_t *connections;
    enum endpoint_kind kind;

    if (!endpoint_named(call->parameter, &kind)) {
        api_refuse(call, 404, NULL, "there is no endpoint %s", call->parameter);
        return;
    }
    connections = json_array();
    list(call->services, kind, connections);
    api_answer(call, 200, json_pack("{s:o}", "connections", connections));
}

/* ---- one connection ------------------------------------------------------------------------- */

/* Finds the connection that the path names; refuses the request if there is none. */
static struct dvbcss_connection *find(const struct api_call *call, enum endpoint_kind *kind)
{
    struct dvbcss_connection *connection =
        endpoint_find_connection(call->services, call->parameter, kind);

    if (!connection)
        api_refuse(call, 404, NULL, "there is no connection %s", call->parameter);
    return connection;
}

void api_get_connection(struct api_call *call)
{
    enum endpoint_kind kind;
    struct dvbcss_connection *connection = find(call, &kind);

    if (connection)
        api_answer(call, 200, describe(connection, kind));
}

/* RFC 6455 section 7.4: 1004 to 1006 and 1015 never go over the wire, 1002 would be a lie. */
static bool code_may_be_sent(int64_t code)
{
    return code == 1000 || code == 1001 || code == 1003 || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

void api_close_connection(struct api_call *call)
{
    static const struct body_member members[] = {
        {"code", BODY_INTEGER, false, false, 1000, 4999},
        {"reason", BODY_TEXT, false, false, 0, DVBCSS_CLOSE_REASON_MAX},
    };
    enum { CODE, REASON, COUNT };
    struct body_value values[COUNT];
    struct body_error error;
    enum endpoint_kind kind;
    struct dvbcss_connection *connection = find(call, &kind);
    unsigned code = DVBCSS_CLOSE_NORMAL;

    if (!connection)
        return;
    if (body_read(call->body, members, COUNT, values, &error) != 0) {
        api_refuse(call, 400, error.member, "%s", error.reason);
        return;
    }
    if (values[CODE].presence == DVBCSS_VALUE)
        code = (unsigned)values[CODE].integer;
    if (!code_may_be_sent(code)) {
        api_refuse(call, 400, "code",
                   "expected 1000, 1001, 1003, 1007 to 1014 or 3000 to 4999, got %u", code);
    } else if (dvbcss_connection_closing(connection)) {
        api_refuse(call, 409, NULL, "the connection is closing already");
    } else {
        dvbcss_connection_close(connection, code, values[REASON].text);
        api_answer_nothing(call);
    }
}
