/* Handshakes: whose they are, what the endpoint's user has to say, and what is kept of them. */
#include "dvbcss/alloc.h"
#include "ws_fixture.h"

static struct ws_peer_answer answer;

/* ---- paths ---------------------------------------------------------------------------------- */

struct prefix_case {
    char path[32];
    /** Prefix of the id of the connection, "" for none. */
    char id[8];
};

ParameterizedTestParameters(ws_upgrade, goes_to_the_path_itself_then_to_the_longest_prefix)
{
    static struct prefix_case cases[] = {
        {"/a2a", "a2a-1"},     {"/a2a/", "a2a-1"},      {"/a2a/local/x", "a2a-1"},
        {"/a2a/own", "own-1"}, {"/a2a/own/x", "a2a-1"}, {"/a2a/deep/x", "deep-1"},
        {"/a2ab", ""},         {"/echo/x", ""},
    };

    return cr_make_param_array(struct prefix_case, cases, sizeof cases / sizeof *cases);
}

static void add(const char *path, const char *id, bool prefix)
{
    struct dvbcss_endpoint_options options = recording_endpoint(path);
    struct dvbcss_endpoint *endpoint;

    options.id_prefix = id;
    options.path_prefix = prefix;
    cr_assert_eq(dvbcss_endpoint_add(&endpoint, fixture.server, &options), 0);
    cr_assert_eq(dvbcss_endpoint_add(&endpoint, fixture.server, &options), DVBCSS_EEXIST);
}

ParameterizedTest(struct prefix_case *param, ws_upgrade,
                  goes_to_the_path_itself_then_to_the_longest_prefix)
{
    start_server(NULL, NULL);
    add("/a2a/", "a2a", true);
    add("/a2a/own", "own", false);
    add("/a2a/deep", "deep", true);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&peer, param->path, NULL, NULL), *param->id ? 101 : 404, "%s",
                 param->path);
    if (*param->id) {
        cr_assert(wait_for(&fixture.record.connects, 1));
        cr_assert_str_eq(fixture.record.id, param->id, "%s", param->path);
        cr_assert_str_eq(dvbcss_connection_path(fixture.record.connection), param->path);
    }
    stop_server();
}

/* ---- what is kept --------------------------------------------------------------------------- */

Test(ws_upgrade, keeps_path_query_and_origin)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.user_data_size = 3;
    start_server(NULL, &options);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(
        ws_peer_upgrade(&peer, "/echo?a=1&b=%20x", "Origin: https://app.example\r\n", NULL), 101);
    cr_assert(wait_for(&fixture.record.connects, 1));
    cr_assert_str_eq(dvbcss_connection_path(fixture.record.connection), "/echo");
    cr_assert_str_eq(dvbcss_connection_query(fixture.record.connection), "a=1&b=%20x");
    cr_assert_str_eq(dvbcss_connection_origin(fixture.record.connection), "https://app.example");
    stop_server();
}

Test(ws_upgrade, keeps_nothing_where_there_was_nothing)
{
    start_server(NULL, NULL);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    cr_assert_str_eq(dvbcss_connection_query(fixture.record.connection), "");
    cr_assert_str_eq(dvbcss_connection_origin(fixture.record.connection), "");
    stop_server();
}

Test(ws_upgrade, keeps_a_long_origin_whole)
{
    char header[1100];

    start_server(NULL, NULL);
    snprintf(header, sizeof header, "Origin: https://%01000d\r\n", 0);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&peer, "/echo", header, NULL), 101);
    cr_assert(wait_for(&fixture.record.connects, 1));
    cr_assert_eq(strlen(dvbcss_connection_origin(fixture.record.connection)), 1008);
    stop_server();
}

/* ---- access --------------------------------------------------------------------------------- */

Test(ws_upgrade, refuses_pages_that_may_not_with_403)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");
    struct dvbcss_access anybody = {DVBCSS_ORIGIN_ANY, NULL, NULL};
    char origins[] = "https://app.example";

    options.access.origin_policy = DVBCSS_ORIGIN_NONE_OR_LISTED;
    options.access.origins = origins;
    start_server(NULL, &options);
    /* The endpoint has a copy of its own. */
    memset(origins, 'x', sizeof origins - 1);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&peer, "/echo", "Origin: https://evil.example\r\n", &answer), 403);
    cr_assert_not_null(strstr(answer.body, "Origin"));
    cr_assert_eq(dvbcss_server_counters(fixture.server)->refusals[DVBCSS_REFUSAL_ORIGIN], 1);
    ws_peer_close(&peer);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&peer, "/echo", "Origin: https://app.example\r\n", NULL), 101);
    ws_peer_close(&peer);
    cr_assert_eq(dvbcss_endpoint_set_access(fixture.endpoint, &anybody), 0);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&peer, "/echo", "Origin: https://evil.example\r\n", NULL), 101);
    stop_server();
}

Test(ws_upgrade, refuses_names_that_are_not_ours_with_421)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.access.hosts = "";
    start_server(NULL, &options);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_say(&peer, "GET /echo HTTP/1.1\r\nHost: evil.example\r\n"
                                 "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Version: 13\r\n"
                                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 421);
    cr_assert_eq(dvbcss_server_counters(fixture.server)->refusals[DVBCSS_REFUSAL_HOST], 1);
    stop_server();
}

/* ---- the hook ------------------------------------------------------------------------------- */

enum answer_kind { LETS_IN, REFUSES, REFUSES_TWICE, REFUSES_BADLY };

static enum answer_kind kind;
static unsigned asked;
static char seen[128];

static void on_handshake(void *context, const struct dvbcss_handshake *handshake)
{
    static const struct dvbcss_http_header who = {"WWW-Authenticate", "Bearer"};
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    char value[32];

    cr_assert_eq(context, &fixture.record);
    asked++;
    cr_assert_eq(dvbcss_handshake_header(handshake, "x-what", value, sizeof value), 0);
    cr_assert_eq(dvbcss_handshake_header(handshake, "x-none", seen, sizeof seen), DVBCSS_ENOENT);
    snprintf(seen, sizeof seen, "%s %s %s %s", handshake->path, handshake->query, handshake->origin,
             value);
    cr_assert_eq(handshake->peer->sa_family, AF_INET);
    cr_assert_eq(handshake->local->sa_family, AF_INET);
    cr_assert_str_neq(handshake->host, "");
    if (kind == LETS_IN)
        return;
    response.status = kind == REFUSES_BADLY ? 200 : 401;
    response.headers = &who;
    response.header_count = 1;
    response.body = "say who you are\n";
    response.body_length = 16;
    cr_assert_eq(dvbcss_handshake_refuse(handshake, &response),
                 kind == REFUSES_BADLY ? DVBCSS_EINVAL : 0);
    if (kind == REFUSES_TWICE)
        cr_assert_eq(dvbcss_handshake_refuse(handshake, &response), DVBCSS_ESTATE);
}

static int ask(enum answer_kind wanted)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    kind = wanted;
    options.limits.max_connections_per_address = 1;
    options.hooks.on_handshake = on_handshake;
    start_server(NULL, &options);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    ws_peer_upgrade(&peer, "/echo?q", "Origin: null\r\nX-What: this\r\n", &answer);
    cr_assert_eq(asked, 1);
    cr_assert_str_eq(seen, "/echo q null this");
    return answer.status;
}

Test(ws_upgrade, goes_on_if_the_hook_says_nothing)
{
    cr_assert_eq(ask(LETS_IN), 101);
    cr_assert(wait_for(&fixture.record.connects, 1));
    stop_server();
}

Test(ws_upgrade, is_refused_as_the_hook_says)
{
    char value[16];

    cr_assert_eq(ask(REFUSES), 401);
    cr_assert_str_eq(answer.body, "say who you are\n");
    cr_assert(ws_peer_answer_header(&answer, "www-authenticate", value, sizeof value));
    cr_assert_eq(dvbcss_server_counters(fixture.server)->refusals[DVBCSS_REFUSAL_HOOK], 1);
    cr_assert(ws_peer_wait_eof(&peer));
    /* Its place is free again. */
    ws_peer_close(&peer);
    kind = LETS_IN;
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&peer, "/echo", "X-What: this\r\n", NULL), 101);
    stop_server();
}

Test(ws_upgrade, is_refused_once_only)
{
    cr_assert_eq(ask(REFUSES_TWICE), 401);
    stop_server();
}

Test(ws_upgrade, is_refused_with_500_if_the_hook_cannot_say_how)
{
    cr_assert_eq(ask(REFUSES_BADLY), 500);
    stop_server();
}
