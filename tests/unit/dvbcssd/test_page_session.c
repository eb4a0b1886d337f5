/* Who owns the page channel, and for how long a silent page counts. */
#include <criterion/criterion.h>

#include "tools/dvbcssd/page_session.h"

enum { S = 1000000000, TIMEOUT = 10 };

static struct page_session session;
static struct page_peer first, second;

static void begin(void)
{
    session = (struct page_session){.silence_timeout_ns = (int64_t)TIMEOUT * S};
    first = (struct page_peer){.beats = true};
    second = (struct page_peer){.beats = true};
}

TestSuite(page_session, .init = begin);

static bool claim(struct page_peer *peer, int64_t at_s, const struct page_peer *expected)
{
    struct page_peer *displaced = &second;
    bool owns = page_session_claim(&session, peer, at_s * S, &displaced);

    cr_expect_eq(displaced, expected);
    return owns;
}

static void present(struct page_peer *peer, int64_t at_s)
{
    cr_assert(claim(peer, at_s, NULL));
    cr_assert(page_session_present(&session));
}

static void expect_deadline(int64_t at_s)
{
    int64_t deadline_ns = -1;

    cr_assert(page_session_deadline(&session, &deadline_ns));
    cr_expect_eq(deadline_ns, at_s * S);
}

static void expect_no_deadline(void)
{
    int64_t deadline_ns;

    cr_expect_not(page_session_deadline(&session, &deadline_ns));
}

Test(page_session, the_first_page_owns_it_and_a_second_one_does_not)
{
    cr_expect(claim(&first, 1, NULL));
    cr_expect_not(claim(&second, 2, NULL));
    cr_expect_eq(session.owner, &first);
    cr_expect_eq(session.since_ns, S);
    expect_no_deadline();
    cr_expect_eq(page_session_leave(&session, &second, false, 3), PAGE_CARRY_ON);
    cr_expect_eq(session.owner, &first);
    cr_expect_eq(page_session_leave(&session, &first, true, 3), PAGE_CARRY_ON);
    cr_expect(claim(&second, 3, NULL));
}

Test(page_session, presenting_begins_anew_once)
{
    present(&first, 0);
    cr_expect_not(page_session_present(&session));
}

Test(page_session, a_silent_page_is_given_up_and_comes_back)
{
    present(&first, 0);
    cr_expect_eq(page_session_heard(&session, &first, 5 * (int64_t)S), PAGE_CARRY_ON);
    expect_deadline(15);
    cr_expect_eq(page_session_run(&session, 15 * (int64_t)S - 1), PAGE_CARRY_ON);
    cr_expect_eq(page_session_run(&session, 15 * (int64_t)S), PAGE_FALL_BACK);
    cr_expect_eq(session.state, PAGE_WITHDRAWN);
    expect_no_deadline();
    cr_expect_eq(page_session_heard(&session, &second, 16 * (int64_t)S), PAGE_CARRY_ON);
    cr_expect_eq(page_session_heard(&session, &first, 20 * (int64_t)S), PAGE_RESUME);
    cr_expect_eq(session.state, PAGE_PRESENTED);
    expect_deadline(30);
}

Test(page_session, a_page_that_promised_nothing_is_not_given_up)
{
    first.beats = false;
    present(&first, 0);
    expect_no_deadline();
    cr_expect_not(claim(&second, 1000, NULL));
}

Test(page_session, one_that_presents_nothing_and_says_nothing_is_not_in_the_way)
{
    first.beats = false;
    cr_expect(claim(&first, 0, NULL));
    cr_expect_not(claim(&second, TIMEOUT - 1, NULL));
    cr_expect(claim(&second, TIMEOUT, &first));
    cr_expect_eq(page_session_leave(&session, &first, true, 11), PAGE_CARRY_ON);
    cr_expect_eq(session.owner, &second);
}

Test(page_session, another_page_takes_the_place_of_a_silent_one_with_nothing_of_it)
{
    present(&first, 0);
    cr_assert_eq(page_session_run(&session, (int64_t)TIMEOUT * S), PAGE_FALL_BACK);
    cr_expect(claim(&second, TIMEOUT + 1, &first));
    cr_expect_eq(session.state, PAGE_NOTHING);
    cr_expect_eq(page_session_heard(&session, &first, 12 * (int64_t)S), PAGE_CARRY_ON);
    cr_expect(page_session_present(&session));
}

Test(page_session, what_a_silent_one_presents_goes_at_once_if_nobody_has_noticed_yet)
{
    present(&first, 0);
    cr_expect(claim(&second, TIMEOUT, &first));
    cr_expect_eq(session.state, PAGE_INHERITED);
    cr_expect_eq(page_session_run(&session, (int64_t)TIMEOUT * S), PAGE_FALL_BACK);
    cr_expect_eq(session.state, PAGE_NOTHING);
    cr_expect_eq(session.owner, &second);
}

Test(page_session, who_says_good_bye_leaves_nothing)
{
    present(&first, 0);
    cr_expect_eq(page_session_leave(&session, &first, true, S), PAGE_FALL_BACK);
    cr_expect_eq(session.state, PAGE_NOTHING);
    cr_expect_null(session.owner);
    expect_no_deadline();
}

Test(page_session, a_silent_one_that_leaves_changes_nothing)
{
    present(&first, 0);
    cr_assert_eq(page_session_run(&session, (int64_t)TIMEOUT * S), PAGE_FALL_BACK);
    cr_expect_eq(page_session_leave(&session, &first, false, 11 * (int64_t)S), PAGE_CARRY_ON);
    cr_expect_eq(session.state, PAGE_NOTHING);
}

Test(page_session, what_a_lost_one_leaves_is_there_for_the_next_or_goes_in_time)
{
    present(&first, 0);
    cr_expect_eq(page_session_leave(&session, &first, false, 5 * (int64_t)S), PAGE_CARRY_ON);
    cr_expect_eq(session.state, PAGE_INHERITED);
    expect_deadline(15);
    cr_expect(claim(&second, 6, NULL));
    expect_deadline(15);
    cr_expect(page_session_present(&session));
    expect_deadline(16);
    cr_expect_eq(page_session_leave(&session, &second, false, 7 * (int64_t)S), PAGE_CARRY_ON);
    cr_expect_eq(page_session_run(&session, 17 * (int64_t)S), PAGE_FALL_BACK);
    cr_expect_eq(session.state, PAGE_NOTHING);
}

Test(page_session, an_heir_that_presents_nothing_does_not_keep_what_it_inherited)
{
    present(&first, 0);
    cr_expect_eq(page_session_leave(&session, &first, false, 0), PAGE_CARRY_ON);
    cr_expect(claim(&second, 5, NULL));
    cr_expect_eq(page_session_heard(&session, &second, 9 * (int64_t)S), PAGE_CARRY_ON);
    cr_expect_eq(page_session_run(&session, 10 * (int64_t)S), PAGE_FALL_BACK);
    cr_expect_eq(session.owner, &second);
    /* And who leaves then has left nothing. */
    cr_expect_eq(page_session_leave(&session, &second, true, 11 * (int64_t)S), PAGE_CARRY_ON);
}

Test(page_session, never_means_never_but_for_who_is_gone)
{
    session.silence_timeout_ns = 0;
    present(&first, 0);
    expect_no_deadline();
    cr_expect_not(claim(&second, 100000, NULL));
    cr_expect_eq(page_session_leave(&session, &first, false, 1), PAGE_FALL_BACK);
}
