/* HTTP answers byte by byte, and the texts of refusals. */
#include <criterion/criterion.h>

#include "server-core/ws_internal.h"

static void expect(struct dvbcss_message *answer, const char *text)
{
    cr_assert_eq(dvbcss_message_length(answer), strlen(text));
    cr_assert_eq(memcmp(dvbcss_message_bytes(answer), text, strlen(text)), 0, "%.*s",
                 (int)dvbcss_message_length(answer), (const char *)dvbcss_message_bytes(answer));
    dvbcss_message_release(answer);
}

Test(ws_answer, has_everything_in_one_piece)
{
    static const struct dvbcss_http_header headers[] = {{"Cache-Control", "no-store"}};
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    struct dvbcss_message *answer;

    response.content_type = "text/plain";
    response.headers = headers;
    response.header_count = 1;
    response.body = "hello";
    response.body_length = 5;
    cr_assert_eq(ws_answer_build(&answer, &response, "Server: t\r\n", false), 0);
    expect(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
                   "Cache-Control: no-store\r\nConnection: close\r\nServer: t\r\n\r\nhello");
}

Test(ws_answer, to_head_tells_the_length_but_has_no_body)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    struct dvbcss_message *answer;

    response.body = "hello";
    response.body_length = 5;
    cr_assert_eq(ws_answer_build(&answer, &response, "", true), 0);
    expect(answer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
}

Test(ws_answer, of_204_and_304_has_neither_body_nor_length)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    struct dvbcss_message *answer;

    response.status = 204;
    response.body = "hello";
    response.body_length = 5;
    cr_assert_eq(ws_answer_build(&answer, &response, "", false), 0);
    expect(answer, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    response.status = 304;
    cr_assert_eq(ws_answer_build(&answer, &response, "", false), 0);
    expect(answer, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
}

Test(ws_answer, has_a_phrase_for_a_status_without_one)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    struct dvbcss_message *answer;

    response.status = 299;
    cr_assert_eq(ws_answer_build(&answer, &response, "", false), 0);
    expect(answer, "HTTP/1.1 299 Status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

Test(ws_answer, takes_no_header_that_could_split_it)
{
    cr_assert(ws_header_is_valid(&(struct dvbcss_http_header){"Name", "value: x"}));
    cr_assert(ws_header_is_valid(&(struct dvbcss_http_header){"Name", ""}));
    cr_assert_not(ws_header_is_valid(&(struct dvbcss_http_header){"Name", "a\r\nb"}));
    cr_assert_not(ws_header_is_valid(&(struct dvbcss_http_header){"Name", "a\nb"}));
    cr_assert_not(ws_header_is_valid(&(struct dvbcss_http_header){"Na me", "x"}));
    cr_assert_not(ws_header_is_valid(&(struct dvbcss_http_header){"Name:", "x"}));
    cr_assert_not(ws_header_is_valid(&(struct dvbcss_http_header){"", "x"}));
    cr_assert_not(ws_header_is_valid(&(struct dvbcss_http_header){NULL, "x"}));
    cr_assert_not(ws_header_is_valid(&(struct dvbcss_http_header){"Name", NULL}));
}

static size_t write_xml(unsigned status, const char *reason, char *body, size_t size)
{
    return (size_t)snprintf(body, size, "<no status='%u'>%s</no>", status, reason);
}

Test(ws_refusal, is_written_as_the_server_or_the_handler_wants)
{
    static const struct dvbcss_refusal_format xml = {"application/xml", write_xml};
    struct dvbcss_server server = {.common_headers = ""};
    char text[1024];

    for (int own = 0; own < 2; own++) {
        struct dvbcss_message *answer;

        server.options.refusal_format = own ? NULL : &xml;
        cr_assert_eq(
            ws_refusal_build(&answer, &server, DVBCSS_REFUSAL_FULL, own ? &xml : NULL, false), 0);
        snprintf(text, sizeof text, "%.*s", (int)dvbcss_message_length(answer),
                 (const char *)dvbcss_message_bytes(answer));
        dvbcss_message_release(answer);
        cr_assert_not_null(strstr(text, "\r\nContent-Type: application/xml\r\n"));
        cr_assert_not_null(strstr(text, "\r\n\r\n<no status='503'>endpoint has reached its "
                                        "connection limit. Try again later.</no>"));
    }
}

Test(ws_refusal, of_every_kind_has_a_status_a_text_and_a_hint)
{
    struct dvbcss_server server = {.options = {.retry_after_s = 7}, .common_headers = ""};

    for (int why = 0; why < DVBCSS_REFUSAL_COUNT; why++) {
        struct dvbcss_message *answer;
        char text[1024];
        unsigned status;
        const char *body;

        cr_assert_eq(ws_refusal_build(&answer, &server, (enum dvbcss_refusal)why, NULL, false), 0);
        snprintf(text, sizeof text, "%.*s", (int)dvbcss_message_length(answer),
                 (const char *)dvbcss_message_bytes(answer));
        dvbcss_message_release(answer);
        cr_assert_eq(sscanf(text, "HTTP/1.1 %u ", &status), 1);
        cr_assert(status >= 400 && status <= 599);
        cr_assert_null(strstr(text, " Status\r\n"), "%u has no phrase", status);
        cr_assert_not_null(strstr(text, "\r\nConnection: close\r\n"));
        cr_assert_eq(status == 503 || status == 429,
                     strstr(text, "\r\nRetry-After: 7\r\n") != NULL);
        cr_assert_eq(status == 426, strstr(text, "\r\nUpgrade: websocket\r\n") != NULL);
        cr_assert_eq(status == 405, strstr(text, "\r\nAllow: GET\r\n") != NULL);
        cr_assert_eq(why == DVBCSS_REFUSAL_VERSION,
                     strstr(text, "\r\nSec-WebSocket-Version: 13\r\n") != NULL);
        body = strstr(text, "\r\n\r\n");
        cr_assert_not_null(body);
        cr_assert_not_null(strstr(body, ws_refusal_text((enum dvbcss_refusal)why)));
        /* Two lines, neither empty nor "(null)". */
        cr_assert_null(strstr(body + 4, "\n\n"));
        cr_assert_null(strstr(body, "null"));
    }
}
