#include "api.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api_routes.h"
#include "dvbcss/alloc.h"
#include "dvbcss/log.h"

enum { HEADERS_MAX = 7, ALLOW_SIZE = 64 };

/* ---- answers -------------------------------------------------------------------------------- */

static const struct {
    unsigned status;
    const char *word;
} error_words[] = {
    {400, "bad_request"}, {401, "unauthorized"},       {403, "forbidden"},
    {404, "not_found"},   {405, "method_not_allowed"}, {408, "timeout"},
    {409, "conflict"},    {413, "too_large"},          {415, "unsupported_media_type"},
    {421, "misdirected"}, {429, "too_many"},           {500, "internal"},
    {503, "unavailable"},
};

static const char *word_of(unsigned status)
{
    for (size_t i = 0; i < sizeof error_words / sizeof *error_words; i++) {
        if (error_words[i].status == status)
            return error_words[i].word;
    }
    return "internal";
}

/* Writes an answer; `allow` names the methods of the path, NULL if that is of no interest. */
static void respond(const struct api_call *call, unsigned status, const char *content_type,
                    const char *body, size_t length, const char *allow)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    struct dvbcss_http_header headers[HEADERS_MAX] = {{"Cache-Control", "no-store"},
                                                      {"X-Content-Type-Options", "nosniff"}};
    size_t count = 2;
    int error;

    if (allow)
        headers[count++] = (struct dvbcss_http_header){"Allow", allow};
    if (status == 401)
        headers[count++] = (struct dvbcss_http_header){"WWW-Authenticate", "Bearer"};
    if (call->origin && *call->origin) {
        headers[count++] = (struct dvbcss_http_header){"Access-Control-Allow-Origin", call->origin};
        headers[count++] = (struct dvbcss_http_header){"Vary", "Origin"};
    }
    response.status = status;
    response.content_type = content_type;
    response.headers = headers;
    response.header_count = count;
    response.body = body;
    response.body_length = length;
    /* The base answers 500 if this fails. */
    error = dvbcss_http_respond(call->request, &response);
    (void)error;
}

void api_answer(const struct api_call *call, unsigned status, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;

    json_decref(json);
    if (text)
        respond(call, status, "application/json", text, strlen(text), NULL);
    else
        api_refuse(call, 500, NULL, "out of memory");
    dvbcss_free(text);
}

void api_answer_text(const struct api_call *call, const char *content_type, const char *text,
                     size_t length)
{
    respond(call, 200, content_type, text, length, NULL);
}

void api_answer_nothing(const struct api_call *call)
{
    respond(call, 204, NULL, NULL, 0, NULL);
}

static json_t *problem_of(unsigned status, const char *member, const char *reason)
{
    return json_pack("{s:s, s:s?, s:s}", "error", word_of(status), "member", member, "reason",
                     reason);
}

/* Of the server beneath. */
static size_t write_refusal(unsigned status, const char *reason, char *body, size_t size)
{
    json_t *problem = problem_of(status, NULL, reason);
    size_t length = problem ? json_dumpb(problem, body, size, JSON_COMPACT) : 0;

    json_decref(problem);
    return length <= size ? length : 0;
}

const struct dvbcss_refusal_format api_refusal_format = {"application/json", write_refusal};

static void refuse_allowing(const struct api_call *call, unsigned status, const char *member,
                            const char *reason, const char *allow)
{
    json_t *problem = problem_of(status, member, reason);
    char *text = problem ? json_dumps(problem, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

    json_decref(problem);
    if (text)
        respond(call, status, "application/json", text, strlen(text), allow);
    dvbcss_free(text);
}

void api_refuse(const struct api_call *call, unsigned status, const char *member,
                const char *format, ...)
{
    char reason[640];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    refuse_allowing(call, status, member, reason, NULL);
}

void api_refuse_error(const struct api_call *call, int error, const char *member)
{
    unsigned status = 500;

    if (error == DVBCSS_EEXIST || error == DVBCSS_EFULL || error == DVBCSS_ESTATE)
        status = 409;
    else if (error != DVBCSS_ENOMEM)
        status = 400;
    api_refuse(call, status, member, "%s", dvbcss_error_text(error));
}

/* ---- routing -------------------------------------------------------------------------------- */

/* Compares a path with a pattern, segment by segment, and takes the parameter out of it. */
static bool path_matches(const char *pattern, const char *path, char parameter[API_PARAMETER_SIZE])
{
    while (*pattern == '/' && *path == '/') {
        size_t wanted = strcspn(++pattern, "/"), found = strcspn(++path, "/");

        if (*pattern == '{') {
            if (found == 0 || found >= API_PARAMETER_SIZE)
                return false;
            memcpy(parameter, path, found);
            parameter[found] = '\0';
        } else if (wanted != found || memcmp(pattern, path, found) != 0) {
            return false;
        }
        pattern += wanted;
        path += found;
    }
    return *pattern == '\0' && *path == '\0';
}

static bool method_matches(const char *wanted, const char *method)
{
    /* The base leaves the body out for HEAD. */
    return strcmp(wanted, method) == 0 ||
           (strcmp(wanted, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* Finds the route; if there is none, `allow` has the methods of the path, "" for no such path. */
static const struct api_route *find_route(struct api_call *call, char allow[ALLOW_SIZE])
{
    size_t length = 0;

    allow[0] = '\0';
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *route = &api_routes[i];

        if (!path_matches(route->pattern, call->request->path, call->parameter))
            continue;
        if (method_matches(route->method, call->request->method))
            return route;
        length += (size_t)snprintf(allow + length, ALLOW_SIZE - length, "%s%s", length ? ", " : "",
                                   route->method);
    }
    return NULL;
}

/* What a browser asks before it lets a page send a token. */
static void answer_options(const struct api_call *call, const char *allow)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    const struct dvbcss_http_header headers[] = {
        {"Allow", allow},
        {"Access-Control-Allow-Origin", call->origin ? call->origin : ""},
        {"Access-Control-Allow-Methods", allow},
        {"Access-Control-Allow-Headers", "Authorization, Content-Type"},
        {"Access-Control-Max-Age", "600"},
        {"Vary", "Origin"},
    };
    int error;

    response.status = 204;
    response.headers = headers;
    response.header_count = call->origin && *call->origin ? sizeof headers / sizeof *headers : 1;
    error = dvbcss_http_respond(call->request, &response);
    (void)error;
}

/* ---- bodies --------------------------------------------------------------------------------- */

static bool content_type_is_json(const struct dvbcss_http_request *request)
{
    static const char wanted[] = "application/json";
    char value[128];
    size_t length;

    if (dvbcss_http_request_header(request, "content-type", value, sizeof value) != 0)
        return false;
    length = strcspn(value, "; \t");
    return length == sizeof wanted - 1 && strncasecmp(value, wanted, length) == 0;
}

/* Reads the body into a new object. Returns NULL once the request is refused. */
static json_t *read_body(const struct api_call *call)
{
    char why[JSON_ERROR_TEXT_LENGTH * 4];
    json_error_t error;
    json_t *body;

    if (!content_type_is_json(call->request)) {
        api_refuse(call, 415, NULL, "expected Content-Type: application/json");
        return NULL;
    }
    body =
        json_loadb(call->request->body, call->request->body_length, JSON_REJECT_DUPLICATES, &error);
    if (!body) {
        /* It quotes the body, which need not be UTF-8. */
        dvbcss_log_escape(why, sizeof why, error.text, strlen(error.text));
        api_refuse(call, 400, NULL, "not JSON: line %d column %d: %s", error.line, error.column,
                   why);
    } else if (!json_is_object(body)) {
        api_refuse(call, 400, NULL, "expected an object");
        json_decref(body);
        body = NULL;
    }
    return body;
}

static void run_route(struct api_call *call, const struct api_route *route)
{
    json_t *body = NULL;

    if (route->flags & API_BODY) {
        body = read_body(call);
        if (!body)
            return;
    } else if (call->request->body_length != 0) {
        api_refuse(call, 400, NULL, "no body is expected here");
        return;
    }
    if (route->flags & API_MEDIA && call->services->programme) {
        api_refuse(call, 409, NULL,
                   "the demo programme runs; stop it first: PATCH /api/v1/programme "
                   "{\"running\": false}");
    } else if (route->flags & (API_MEDIA | API_PROGRAMME) &&
               page_channel_presents(call->services->page)) {
        api_refuse(call, 409, NULL,
                   "a page is the television and decides; see page in /api/v1/status, and send it "
                   "away: POST /api/v1/connections/ID/close {}");
    } else {
        call->body = body;
        route->handle(call);
    }
    json_decref(body);
}

void api_handle(struct api_call *call)
{
    char allow[ALLOW_SIZE], reason[128];
    const struct api_route *route = find_route(call, allow);

    call->services->api_requests++;
    if (route) {
        run_route(call, route);
    } else if (!*allow) {
        api_refuse(call, 404, NULL, "there is nothing at this path; see /api/v1/openapi.json");
    } else if (strcmp(call->request->method, "OPTIONS") == 0) {
        answer_options(call, allow);
    } else {
        snprintf(reason, sizeof reason, "allowed here: %s", allow);
        refuse_allowing(call, 405, NULL, reason, allow);
    }
}

void api_handle_public(void *context, const struct dvbcss_http_request *request)
{
    const struct services *services = context;
    struct dvbcss_access access = {DVBCSS_ORIGIN_ANY, NULL, services->hosts};
    struct api_call call = {.services = context, .request = request};
    char host[256] = "";

    /* A page that makes its own name resolve to this machine could read the answer. */
    if (dvbcss_http_request_header(request, "host", host, sizeof host) != 0 ||
        dvbcss_access_check(&access, host, "") >= 0)
        api_refuse(&call, 421, NULL, "the Host is none of this server's; see http.hosts");
    else
        api_handle(&call);
}
