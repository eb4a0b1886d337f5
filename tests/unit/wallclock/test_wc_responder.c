#include <criterion/criterion.h>
#include <string.h>

#include "dvbcss/wc.h"

static const int64_t receive_ns = INT64_C(3000000000) + 17;
static const int64_t transmit_ns = INT64_C(3000000000) + 42;

static struct dvbcss_wc_responder responder(bool follow_up)
{
    struct dvbcss_wc_responder_options options = DVBCSS_WC_RESPONDER_OPTIONS_INIT;
    struct dvbcss_wc_responder made;

    options.precision_s = 0.0007;
    options.max_freq_error_ppm = 45;
    options.follow_up = follow_up;
    cr_assert_eq(dvbcss_wc_responder_init(&made, &options), 0);
    return made;
}

/* A request full of things that a server must not look at. */
static void make_request(uint8_t *bytes)
{
    struct dvbcss_wc_message message = {.type = DVBCSS_WC_REQUEST,
                                        .precision = 99,
                                        .max_freq_error = 0xdeadbeef,
                                        .originate = {0xaabbccdd, 0xeeff1122},
                                        .receive = {5, 6},
                                        .transmit = {7, 0xffffffff}};

    cr_assert_eq(dvbcss_wc_message_encode(&message, bytes), 0);
    bytes[3] = 0xff;
}

Test(wc_responder, an_answer_has_the_servers_figures_and_times_and_the_originate_bit_for_bit)
{
    struct dvbcss_wc_responder server = responder(false);
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE];
    uint8_t answer[DVBCSS_WC_MESSAGE_SIZE];
    static const uint8_t expected[] = {0x00, 0x01, 0xf6, 0x00, 0x00, 0x00, 0x2d, 0x00,
                                       0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x11, 0x22,
                                       0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x11,
                                       0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x2a};

    make_request(request);
    cr_assert_eq(
        dvbcss_wc_respond(&server, request, sizeof request, receive_ns, transmit_ns, answer),
        DVBCSS_WC_ANSWERED);
    cr_assert_arr_eq(answer, expected, sizeof expected);
    cr_assert_eq(server.counts[DVBCSS_WC_ANSWERED], 1);
}

Test(wc_responder, a_request_can_be_answered_in_place)
{
    struct dvbcss_wc_responder server = responder(false);
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE];
    uint8_t answer[DVBCSS_WC_MESSAGE_SIZE];

    make_request(request);
    dvbcss_wc_respond(&server, request, sizeof request, receive_ns, transmit_ns, answer);
    cr_assert_eq(
        dvbcss_wc_respond(&server, request, sizeof request, receive_ns, transmit_ns, request),
        DVBCSS_WC_ANSWERED);
    cr_assert_arr_eq(request, answer, sizeof answer);
}

Test(wc_responder, whatever_is_no_request_gets_no_answer_and_is_counted_by_reason)
{
    static const struct {
        size_t length;
        uint8_t version;
        uint8_t type;
        enum dvbcss_wc_answer reason;
        const char *name;
    } table[] = {
        {0, 0, 0, DVBCSS_WC_DROPPED_LENGTH, "length"},
        {31, 0, 0, DVBCSS_WC_DROPPED_LENGTH, "length"},
        {33, 0, 0, DVBCSS_WC_DROPPED_LENGTH, "length"},
        {32, 1, 0, DVBCSS_WC_DROPPED_VERSION, "version"},
        {32, 0, 1, DVBCSS_WC_DROPPED_TYPE, "type"},
        {32, 0, 2, DVBCSS_WC_DROPPED_TYPE, "type"},
        {32, 0, 3, DVBCSS_WC_DROPPED_TYPE, "type"},
        {32, 0, 4, DVBCSS_WC_DROPPED_TYPE, "type"},
        {32, 0, 255, DVBCSS_WC_DROPPED_TYPE, "type"},
    };
    struct dvbcss_wc_responder server = responder(true);

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint8_t datagram[DVBCSS_WC_MESSAGE_SIZE + 1] = {0};
        uint8_t answer[DVBCSS_WC_MESSAGE_SIZE] = {0x77};
        uint64_t before = server.counts[table[i].reason];

        datagram[0] = table[i].version;
        datagram[1] = table[i].type;
        cr_assert_eq(dvbcss_wc_respond(&server, datagram, table[i].length, 1, 2, answer),
                     table[i].reason);
        cr_assert_eq(server.counts[table[i].reason], before + 1);
        cr_assert_str_eq(dvbcss_wc_answer_name(table[i].reason), table[i].name);
        cr_assert_eq(answer[0], 0x77);
        cr_assert_eq(answer[1], 0);
    }
    cr_assert_eq(server.counts[DVBCSS_WC_ANSWERED], 0);
    cr_assert_str_eq(dvbcss_wc_answer_name(DVBCSS_WC_ANSWERED), "answered");
    cr_assert_str_eq(dvbcss_wc_answer_name(DVBCSS_WC_ANSWER_COUNT), "?");
}

Test(wc_responder, a_wall_clock_that_cannot_be_expressed_gives_no_answer)
{
    struct dvbcss_wc_responder server = responder(false);
    const int64_t end_ns = (INT64_C(1) << 32) * 1000000000;
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE];
    uint8_t answer[DVBCSS_WC_MESSAGE_SIZE];

    make_request(request);
    cr_assert_eq(dvbcss_wc_respond(&server, request, sizeof request, -1, 5, answer),
                 DVBCSS_WC_DROPPED_TIME);
    cr_assert_eq(dvbcss_wc_respond(&server, request, sizeof request, 5, end_ns, answer),
                 DVBCSS_WC_DROPPED_TIME);
    cr_assert_eq(server.counts[DVBCSS_WC_DROPPED_TIME], 2);
    cr_assert_str_eq(dvbcss_wc_answer_name(DVBCSS_WC_DROPPED_TIME), "time");
}

Test(wc_responder, a_batch_sender_can_stamp_an_answer_last)
{
    struct dvbcss_wc_responder server = responder(false);
    uint8_t answer[DVBCSS_WC_MESSAGE_SIZE];
    uint8_t expected[DVBCSS_WC_MESSAGE_SIZE];
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE];

    make_request(request);
    dvbcss_wc_respond(&server, request, sizeof request, receive_ns, transmit_ns, answer);
    dvbcss_wc_respond(&server, request, sizeof request, receive_ns, transmit_ns + 7, expected);
    cr_assert_eq(dvbcss_wc_answer_set_transmit(answer, transmit_ns + 7), 0);
    cr_assert_arr_eq(answer, expected, sizeof expected);
    cr_assert_eq(dvbcss_wc_answer_set_transmit(answer, -1), DVBCSS_ERANGE);
    cr_assert_arr_eq(answer, expected, sizeof expected);
}

Test(wc_responder, a_follow_up_repeats_the_answer_with_another_transmit_time)
{
    struct dvbcss_wc_responder server = responder(true);
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE];
    uint8_t answer[DVBCSS_WC_MESSAGE_SIZE];
    uint8_t follow_up[DVBCSS_WC_MESSAGE_SIZE];
    uint8_t expected[DVBCSS_WC_MESSAGE_SIZE];

    make_request(request);
    dvbcss_wc_respond(&server, request, sizeof request, receive_ns, transmit_ns, answer);
    cr_assert_eq(answer[1], DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP);
    memcpy(expected, answer, sizeof expected);
    expected[1] = DVBCSS_WC_FOLLOW_UP;
    expected[31] = 0x2b;
    cr_assert_eq(dvbcss_wc_follow_up(answer, transmit_ns + 1, follow_up), 0);
    cr_assert_arr_eq(follow_up, expected, sizeof expected);
    cr_assert_eq(dvbcss_wc_follow_up(answer, transmit_ns + 1, answer), 0);
    cr_assert_arr_eq(answer, expected, sizeof expected);
}

Test(wc_responder, a_follow_up_is_made_only_of_an_answer_that_promised_it)
{
    struct dvbcss_wc_responder server = responder(false);
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE];
    uint8_t answer[DVBCSS_WC_MESSAGE_SIZE];
    uint8_t out[DVBCSS_WC_MESSAGE_SIZE] = {0x77};

    make_request(request);
    dvbcss_wc_respond(&server, request, sizeof request, receive_ns, transmit_ns, answer);
    cr_assert_eq(dvbcss_wc_follow_up(answer, 1, out), DVBCSS_EMESSAGETYPE);
    answer[1] = DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP;
    cr_assert_eq(dvbcss_wc_follow_up(answer, -1, out), DVBCSS_ERANGE);
    cr_assert_eq(out[0], 0x77);
}

Test(wc_responder, no_server_may_claim_to_be_perfect_or_what_it_cannot_express)
{
    static const struct {
        double precision_s;
        double ppm;
    } refused[] = {{0, 50}, {-1, 50}, {1e-6, 0}, {1e-6, -1}, {1e300, 50}, {1e-6, 1e9}};

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct dvbcss_wc_responder_options options = {refused[i].precision_s, refused[i].ppm,
                                                      false};
        struct dvbcss_wc_responder server;
        struct dvbcss_wc_responder untouched;

        memset(&server, 0x5a, sizeof server);
        memcpy(&untouched, &server, sizeof untouched);
        cr_assert_eq(dvbcss_wc_responder_init(&server, &options), DVBCSS_ERANGE);
        cr_assert_eq(memcmp(&server, &untouched, sizeof server), 0);
    }
}

Test(wc_responder, figures_too_small_to_express_are_rounded_up)
{
    struct dvbcss_wc_responder_options options = {3e-9, 1e-9, false};
    struct dvbcss_wc_responder server;
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE];
    uint8_t answer[DVBCSS_WC_MESSAGE_SIZE];
    struct dvbcss_wc_message message;

    cr_assert_eq(dvbcss_wc_responder_init(&server, &options), 0);
    make_request(request);
    dvbcss_wc_respond(&server, request, sizeof request, receive_ns, transmit_ns, answer);
    cr_assert_eq(dvbcss_wc_message_decode(answer, sizeof answer, &message, NULL), 0);
    cr_assert_eq(message.precision, -28);
    cr_assert_eq(message.max_freq_error, 1);
}
