#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>

#include "common/bytes.h"
#include "dvbcss/system_time.h"
#include "dvbcss/wc.h"
#include "held_stamps.h"
#include "wallclock/wc_follow_ups.h"

/* How long before it is sent an answer says that it was: then a stamp shows. */
#define EARLY_NS INT64_C(100000000)

/* A socket that answers, and one that is answered. */
struct fixture {
    struct wc_socket *socket;
    struct wc_socket *asker;
    struct dvbcss_wc_responder responder;
    struct dvbcss_wc_server_counters counters;
    struct wc_follow_ups *follow_ups;
    struct wc_packet packets[WC_SOCKET_BATCH];
    struct wc_packet *answers[WC_SOCKET_BATCH];
};

static struct wc_socket *open_socket(bool transmit_times)
{
    struct wc_socket_options options = {
        .transmit_times = transmit_times,
        .now_ns = dvbcss_monotonic_ns,
    };
    struct wc_socket *opened = NULL;

    cr_assert_eq(wc_address_parse("127.0.0.1", 0, &options.address), 0);
    cr_assert_eq(wc_socket_open(&opened, &options), 0);
    return opened;
}

static void set_up(struct fixture *fixture)
{
    struct dvbcss_wc_responder_options responder = DVBCSS_WC_RESPONDER_OPTIONS_INIT;

    memset(fixture, 0, sizeof *fixture);
    fixture->socket = open_socket(true);
    fixture->asker = open_socket(false);
    responder.precision_s = 1e-6;
    responder.follow_up = true;
    cr_assert_eq(dvbcss_wc_responder_init(&fixture->responder, &responder), 0);
    cr_assert_eq(wc_follow_ups_create(&fixture->follow_ups, fixture->socket, &fixture->counters),
                 0);
}

static void tear_down(struct fixture *fixture)
{
    wc_follow_ups_destroy(fixture->follow_ups);
    wc_socket_close(fixture->socket);
    wc_socket_close(fixture->asker);
}

/* Makes so many answers, told from others by their cookies from @p cookie on. */
static void make_answers(struct fixture *fixture, uint32_t cookie, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct wc_packet *packet = &fixture->packets[i];
        uint8_t request[DVBCSS_WC_MESSAGE_SIZE] = {0};

        memset(packet, 0, sizeof *packet);
        put_be32(request + 8, cookie + i);
        packet->time_ns = dvbcss_monotonic_ns(NULL) - EARLY_NS;
        packet->length = DVBCSS_WC_MESSAGE_SIZE;
        packet->peer = *wc_socket_address(fixture->asker);
        cr_assert_eq(dvbcss_wc_respond(&fixture->responder, request, sizeof request,
                                       packet->time_ns, packet->time_ns, packet->bytes),
                     DVBCSS_WC_ANSWERED);
        fixture->answers[i] = packet;
    }
}

static unsigned send_answers(struct fixture *fixture, unsigned count, int64_t now_ns)
{
    unsigned sent = wc_socket_send(fixture->socket, fixture->answers, count, true);

    wc_follow_ups_add(fixture->follow_ups, fixture->answers, count, now_ns);
    return sent;
}

static void answer(struct fixture *fixture, uint32_t cookie, unsigned count, int64_t now_ns)
{
    make_answers(fixture, cookie, count);
    cr_assert_eq(send_answers(fixture, count, now_ns), count);
}

static void receive(struct fixture *fixture, struct dvbcss_wc_message *message)
{
    struct pollfd waiting = {wc_socket_descriptor(fixture->asker), POLLIN, 0};
    struct wc_packet packet;

    cr_assert_eq(poll(&waiting, 1, 10000), 1, "nothing arrived");
    cr_assert_eq(wc_socket_receive(fixture->asker, &packet, 1), 1);
    cr_assert_eq(dvbcss_wc_message_decode(packet.bytes, packet.length, message, NULL), 0);
}

static void expect_answers(struct fixture *fixture, uint32_t cookie, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct dvbcss_wc_message message;

        receive(fixture, &message);
        cr_assert_eq(message.type, DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP);
        cr_assert_eq(message.originate.seconds, cookie + i);
    }
}

/* Follow-ups with a stamp tell a time at which the answer said that it had left already. */
static void expect_follow_ups(struct fixture *fixture, uint32_t cookie, unsigned count,
                              bool stamped)
{
    for (unsigned i = 0; i < count; i++) {
        struct dvbcss_wc_message message;
        int64_t early_ns;

        receive(fixture, &message);
        early_ns = dvbcss_wc_time_to_ns(message.transmit) - dvbcss_wc_time_to_ns(message.receive);
        cr_assert_eq(message.type, DVBCSS_WC_FOLLOW_UP);
        cr_assert_eq(message.originate.seconds, cookie + i);
        cr_assert_eq(early_ns > 0, stamped);
        cr_assert_leq(dvbcss_wc_time_to_ns(message.transmit), dvbcss_monotonic_ns(NULL));
    }
}

static void expect_counters(const struct fixture *fixture, uint64_t follow_ups, uint64_t stamped)
{
    cr_assert_eq(fixture->counters.follow_ups, follow_ups);
    cr_assert_eq(fixture->counters.stamped_follow_ups, stamped);
    cr_assert_eq(fixture->counters.send_failures, 0);
}

Test(wc_follow_ups, stamps_that_are_there_are_told_at_once)
{
    struct fixture fixture;

    set_up(&fixture);
    cr_assert_eq(wc_follow_ups_wait_ns(fixture.follow_ups, 0), -1);
    answer(&fixture, 1, 3, 0);
    expect_answers(&fixture, 1, 3);
    expect_follow_ups(&fixture, 1, 3, true);
    expect_counters(&fixture, 3, 3);
    cr_assert_eq(wc_follow_ups_wait_ns(fixture.follow_ups, 0), -1);
    tear_down(&fixture);
}

Test(wc_follow_ups, a_late_stamp_is_told_when_it_comes)
{
    struct fixture fixture;

    set_up(&fixture);
    held_stamps_hold();
    answer(&fixture, 1, 3, 0);
    wc_follow_ups_send_due(fixture.follow_ups, WC_FOLLOW_UP_WAIT_NS - 1);
    expect_counters(&fixture, 0, 0);
    held_stamps_release();
    wc_follow_ups_send_due(fixture.follow_ups, WC_FOLLOW_UP_WAIT_NS - 1);
    expect_answers(&fixture, 1, 3);
    expect_follow_ups(&fixture, 1, 3, true);
    expect_counters(&fixture, 3, 3);
    cr_assert_eq(wc_follow_ups_wait_ns(fixture.follow_ups, 0), -1);
    tear_down(&fixture);
}

Test(wc_follow_ups, a_stamp_that_comes_with_those_of_later_answers_is_told_with_them)
{
    struct fixture fixture;

    set_up(&fixture);
    held_stamps_hold();
    answer(&fixture, 1, 2, 0);
    held_stamps_release();
    answer(&fixture, 3, 2, 1);
    expect_answers(&fixture, 1, 4);
    expect_follow_ups(&fixture, 1, 4, true);
    expect_counters(&fixture, 4, 4);
    tear_down(&fixture);
}

Test(wc_follow_ups, without_a_stamp_the_time_of_the_answer_is_repeated_after_the_wait)
{
    struct fixture fixture;

    set_up(&fixture);
    held_stamps_hold();
    answer(&fixture, 1, 3, 0);
    wc_follow_ups_send_due(fixture.follow_ups, WC_FOLLOW_UP_WAIT_NS);
    expect_answers(&fixture, 1, 3);
    expect_follow_ups(&fixture, 1, 3, false);
    expect_counters(&fixture, 3, 0);
    held_stamps_release();
    wc_follow_ups_send_due(fixture.follow_ups, WC_FOLLOW_UP_WAIT_NS);
    expect_counters(&fixture, 3, 0);
    answer(&fixture, 4, 3, 0);
    expect_answers(&fixture, 4, 3);
    expect_follow_ups(&fixture, 4, 3, true);
    expect_counters(&fixture, 6, 3);
    tear_down(&fixture);
}

Test(wc_follow_ups, the_wait_is_that_of_the_oldest)
{
    struct fixture fixture;

    set_up(&fixture);
    held_stamps_hold();
    answer(&fixture, 1, 1, 0);
    answer(&fixture, 2, 1, 300000);
    cr_assert_eq(wc_follow_ups_wait_ns(fixture.follow_ups, 400000), 600000);
    cr_assert_eq(wc_follow_ups_wait_ns(fixture.follow_ups, 2000000), 0);
    wc_follow_ups_send_due(fixture.follow_ups, 1100000);
    expect_counters(&fixture, 1, 0);
    cr_assert_eq(wc_follow_ups_wait_ns(fixture.follow_ups, 1100000), 200000);
    held_stamps_release();
    tear_down(&fixture);
}

Test(wc_follow_ups, each_stamp_is_that_of_its_own_answer)
{
    struct fixture fixture;

    set_up(&fixture);
    held_stamps_lose(1);
    answer(&fixture, 1, 3, 0);
    expect_answers(&fixture, 1, 3);
    expect_follow_ups(&fixture, 2, 2, true);
    expect_counters(&fixture, 2, 2);
    wc_follow_ups_send_due(fixture.follow_ups, WC_FOLLOW_UP_WAIT_NS);
    expect_follow_ups(&fixture, 1, 1, false);
    expect_counters(&fixture, 3, 2);
    tear_down(&fixture);
}

Test(wc_follow_ups, the_oldest_give_way_when_there_is_no_more_room)
{
    enum { MORE = 10 };
    struct fixture fixture;

    set_up(&fixture);
    held_stamps_hold();
    for (unsigned i = 0; i < WC_FOLLOW_UPS_KEPT; i += WC_SOCKET_BATCH) {
        answer(&fixture, i, WC_SOCKET_BATCH, 0);
        expect_answers(&fixture, i, WC_SOCKET_BATCH);
    }
    expect_counters(&fixture, 0, 0);
    answer(&fixture, WC_FOLLOW_UPS_KEPT, MORE, 0);
    expect_answers(&fixture, WC_FOLLOW_UPS_KEPT, MORE);
    expect_follow_ups(&fixture, 0, MORE, false);
    expect_counters(&fixture, MORE, 0);
    held_stamps_release();
    wc_follow_ups_send_due(fixture.follow_ups, 0);
    expect_follow_ups(&fixture, MORE, WC_FOLLOW_UPS_KEPT, true);
    expect_counters(&fixture, WC_FOLLOW_UPS_KEPT + MORE, WC_FOLLOW_UPS_KEPT);
    tear_down(&fixture);
}

Test(wc_follow_ups, an_answer_that_was_refused_has_none_and_does_not_confuse_the_others)
{
    struct fixture fixture;

    set_up(&fixture);
    held_stamps_hold();
    answer(&fixture, 1, 1, 0);
    make_answers(&fixture, 2, 3);
    /* Nobody has port 0. */
    fixture.packets[1].peer.v4.sin_port = 0;
    cr_assert_eq(send_answers(&fixture, 3, 0), 2);
    /* From then on stamps cannot be told from each other while old ones are to come. */
    answer(&fixture, 5, 1, 0);
    expect_counters(&fixture, 2, 0);
    held_stamps_release();
    wc_follow_ups_send_due(fixture.follow_ups, 0);
    expect_counters(&fixture, 4, 2);
    answer(&fixture, 6, 1, 0);
    expect_answers(&fixture, 1, 2);
    expect_answers(&fixture, 4, 1);
    expect_follow_ups(&fixture, 4, 1, false);
    expect_answers(&fixture, 5, 1);
    expect_follow_ups(&fixture, 5, 1, false);
    expect_follow_ups(&fixture, 1, 2, true);
    expect_answers(&fixture, 6, 1);
    expect_follow_ups(&fixture, 6, 1, true);
    expect_counters(&fixture, 5, 3);
    tear_down(&fixture);
}

Test(wc_follow_ups, one_that_is_refused_itself_is_counted_as_a_failure)
{
    struct fixture fixture;

    set_up(&fixture);
    make_answers(&fixture, 1, 2);
    cr_assert_eq(wc_socket_send(fixture.socket, fixture.answers, 2, true), 2);
    fixture.packets[0].peer.v4.sin_port = 0;
    wc_follow_ups_add(fixture.follow_ups, fixture.answers, 2, 0);
    cr_assert_eq(fixture.counters.send_failures, 1);
    cr_assert_eq(fixture.counters.follow_ups, 1);
    cr_assert_eq(fixture.counters.stamped_follow_ups, 1);
    tear_down(&fixture);
}

Test(wc_follow_ups, those_that_are_due_at_the_end_are_sent)
{
    struct fixture fixture;

    set_up(&fixture);
    held_stamps_hold();
    answer(&fixture, 1, 2, 0);
    wc_follow_ups_destroy(fixture.follow_ups);
    fixture.follow_ups = NULL;
    expect_answers(&fixture, 1, 2);
    expect_follow_ups(&fixture, 1, 2, false);
    expect_counters(&fixture, 2, 0);
    held_stamps_release();
    tear_down(&fixture);
}
