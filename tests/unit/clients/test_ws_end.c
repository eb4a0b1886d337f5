#include <criterion/criterion.h>
#include <string.h>

#include "clients/ws_end.h"

static const struct dvbcss_url tv = {DVBCSS_URL_WS, "tv.local", 7681, "/cii"};

static struct ws_client_socket_end ended(int error)
{
    struct ws_client_socket_end end = {.error = error, .retry_after_s = -1, .detail = ""};

    return end;
}

Test(ws_end, tells_a_refusal_with_status_name_body_and_retry_after)
{
    struct ws_client_socket_end end = ended(DVBCSS_EREFUSED);
    struct dvbcss_disconnect why;

    end.http_status = 503;
    end.retry_after_s = 30;
    end.words = "the endpoint is full\r\n";
    end.words_length = strlen(end.words);
    ws_end_describe(&why, &tv, "192.0.2.1", &end);
    cr_assert_eq(why.error, DVBCSS_EREFUSED);
    cr_assert_eq(why.http_status, 503);
    cr_assert_eq(why.retry_after_s, 30);
    cr_assert_eq(why.retry_in_ms, -1);
    cr_assert_str_eq(why.reason, "the endpoint is full");
    cr_assert_str_eq(why.text, "503 Service Unavailable: the endpoint is full (retry after 30 s)");
}

Test(ws_end, says_of_an_unexpected_status_that_it_is_no_websocket)
{
    struct ws_client_socket_end end = ended(DVBCSS_EREFUSED);
    struct dvbcss_disconnect why;

    end.http_status = 200;
    ws_end_describe(&why, &tv, "192.0.2.1", &end);
    cr_assert_str_eq(why.text, "200 no WebSocket here");
}

Test(ws_end, makes_the_words_of_a_peer_printable_and_fits_them_in)
{
    struct ws_client_socket_end end = ended(DVBCSS_EREFUSED);
    struct dvbcss_disconnect why;
    char words[256] = "\x1b[2J\xff\n";

    memset(words + 6, 'x', sizeof words - 6);
    end.http_status = 403;
    end.words = words;
    end.words_length = sizeof words;
    ws_end_describe(&why, &tv, "192.0.2.1", &end);
    cr_assert_eq(strncmp(why.reason, "?[2J? xx", 8), 0);
    cr_assert_eq(strlen(why.reason), sizeof why.reason - 1);
    cr_assert_lt(strlen(why.text), sizeof why.text);
}

Test(ws_end, tells_the_close_of_a_peer_with_code_and_reason)
{
    struct ws_client_socket_end end = ended(DVBCSS_ECLOSED);
    struct dvbcss_disconnect why;

    end.was_open = true;
    end.close_code = 1001;
    end.words = "going away";
    end.words_length = strlen(end.words);
    ws_end_describe(&why, &tv, "192.0.2.1", &end);
    cr_assert_eq(why.close_code, 1001);
    cr_assert(why.was_open);
    cr_assert_str_eq(why.text, "closed with code 1001: going away");
}

Test(ws_end, tells_a_connection_that_vanished)
{
    struct ws_client_socket_end end = ended(DVBCSS_ECLOSED);
    struct dvbcss_disconnect why;

    end.was_open = true;
    end.close_code = 1006;
    ws_end_describe(&why, &tv, "192.0.2.1", &end);
    cr_assert_str_eq(why.text, "connection lost");
}

Test(ws_end, names_the_address_that_was_tried_and_the_host_that_has_none)
{
    struct ws_client_socket_end nobody = ended(DVBCSS_EADDRESS);
    struct ws_client_socket_end nameless = ended(DVBCSS_ERESOLVE);
    struct dvbcss_disconnect why;

    nameless.detail = "unknown node or service";
    ws_end_describe(&why, &tv, "192.0.2.1", &nobody);
    cr_assert_str_eq(why.text, "192.0.2.1, port 7681: address cannot be used");
    ws_end_describe(&why, &tv, "", &nameless);
    cr_assert_str_eq(why.text, "tv.local, port 7681: host name cannot be resolved: unknown node or "
                               "service");
}
