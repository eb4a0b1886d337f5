#include "fixture.h"

TestSuite(clock_notify, .fini = destroy_clocks);

/* Turns the clock in a way that each call is a change. */
static void change(struct dvbcss_clock *clock)
{
    cr_assert_eq(dvbcss_clock_set_speed(clock, dvbcss_clock_speed(clock) + 1.0), 0);
}

static struct dvbcss_clock *simple_clock(struct dvbcss_clock *parent)
{
    return correlated_clock(parent, 1000, dvbcss_correlation(0, 0), 1.0);
}

Test(clock_notify, every_listener_is_told_once_with_its_own_clock)
{
    struct dvbcss_clock *root = root_clock(1000);
    struct dvbcss_clock *clock = simple_clock(root);
    struct dvbcss_clock *children[] = {simple_clock(clock), offset_clock(clock, 5),
                                       tunable_clock(clock, 10, 0)};
    struct dvbcss_clock *grandchild = simple_clock(children[0]);
    static struct counter above, first, second, below[3], deep;

    count_changes_of(&above, root);
    count_changes_of(&first, clock);
    count_changes_of(&second, clock);
    for (int i = 0; i < 3; i++)
        count_changes_of(&below[i], children[i]);
    count_changes_of(&deep, grandchild);
    for (unsigned n = 1; n <= 3; n++) {
        change(clock);
        cr_assert_eq(above.calls, 0);
        cr_assert(first.calls == n && first.clock == clock);
        cr_assert(second.calls == n && second.clock == clock);
        for (int i = 0; i < 3; i++)
            cr_assert(below[i].calls == n && below[i].clock == children[i]);
        cr_assert(deep.calls == n && deep.clock == grandchild);
        cr_assert_eq(deep.changes, DVBCSS_CLOCK_TIMING);
    }
}

Test(clock_notify, a_removed_listener_hears_nothing)
{
    struct dvbcss_clock *clock = simple_clock(root_clock(1000));
    static struct counter gone, stays;

    count_changes_of(&gone, clock);
    count_changes_of(&stays, clock);
    dvbcss_clock_unlisten(&gone.listener);
    dvbcss_clock_unlisten(&gone.listener);
    change(clock);
    cr_assert_eq(gone.calls, 0);
    cr_assert_eq(stays.calls, 1);
}

Test(clock_notify, a_listener_is_on_one_clock_at_a_time)
{
    struct dvbcss_clock *root = root_clock(1000);
    struct dvbcss_clock *before = simple_clock(root);
    struct dvbcss_clock *after = simple_clock(root);
    static struct counter counter;

    count_changes_of(&counter, before);
    dvbcss_clock_listen(after, &counter.listener);
    dvbcss_clock_listen(after, &counter.listener);
    change(before);
    cr_assert_eq(counter.calls, 0);
    change(after);
    cr_assert_eq(counter.calls, 1);
}

Test(clock_notify, a_listener_may_outlive_its_clock_and_be_used_again)
{
    struct dvbcss_clock *root = root_clock(1000);
    struct dvbcss_clock *first = simple_clock(root);
    struct dvbcss_clock *child = simple_clock(first);
    static struct counter counter;

    count_changes_of(&counter, first);
    destroy_now(first);
    change(dvbcss_clock_parent(child));
    cr_assert_eq(counter.calls, 0, "the clock lives on for its child, and is nobody's");
    dvbcss_clock_unlisten(&counter.listener);
    count_changes_of(&counter, child);
    change(dvbcss_clock_parent(child));
    cr_assert_eq(counter.calls, 1);
}

Test(clock_notify, a_listener_on_a_clock_that_only_its_child_keeps_goes_with_it)
{
    struct dvbcss_clock *parent = simple_clock(root_clock(1000));
    struct dvbcss_clock *child = simple_clock(parent);
    static struct counter counter;

    destroy_now(parent);
    count_changes_of(&counter, dvbcss_clock_parent(child));
    destroy_now(child);
    cr_assert_null(counter.listener.clock);
}

/* ---- listeners that act --------------------------------------------------------------------- */

/* One of three listeners in a row does something when it is called for the first time. */
static struct actor {
    struct counter counter;
    void (*act)(void);
} actors[3];

static struct dvbcss_clock *acted_on;
static struct counter added;

static void call_actor(struct dvbcss_clock_listener *listener, struct dvbcss_clock *clock,
                       unsigned changes)
{
    struct actor *actor = (struct actor *)listener;

    count_change(listener, clock, changes);
    if (actor->act && actor->counter.calls == 1)
        actor->act();
}

static void set_up_actors(struct dvbcss_clock *clock, int acting, void (*act)(void))
{
    for (int i = 0; i < 3; i++) {
        actors[i] = (struct actor){.counter.listener.changed = call_actor};
        actors[i].act = i == acting ? act : NULL;
        dvbcss_clock_listen(clock, &actors[i].counter.listener);
    }
    acted_on = clock;
}

static void assert_calls(unsigned first, unsigned second, unsigned third)
{
    cr_assert_eq(actors[0].counter.calls, first, "%u", actors[0].counter.calls);
    cr_assert_eq(actors[1].counter.calls, second, "%u", actors[1].counter.calls);
    cr_assert_eq(actors[2].counter.calls, third, "%u", actors[2].counter.calls);
}

static void remove_second(void)
{
    dvbcss_clock_unlisten(&actors[1].counter.listener);
}

Test(clock_notify, a_listener_may_remove_itself)
{
    set_up_actors(simple_clock(root_clock(1000)), 1, remove_second);
    change(acted_on);
    assert_calls(1, 1, 1);
    change(acted_on);
    assert_calls(2, 1, 2);
}

Test(clock_notify, a_listener_may_remove_the_next)
{
    set_up_actors(simple_clock(root_clock(1000)), 0, remove_second);
    change(acted_on);
    assert_calls(1, 0, 1);
}

Test(clock_notify, a_listener_may_remove_the_one_before)
{
    set_up_actors(simple_clock(root_clock(1000)), 2, remove_second);
    change(acted_on);
    assert_calls(1, 1, 1);
    change(acted_on);
    assert_calls(2, 1, 2);
}

static void remove_all(void)
{
    for (int i = 0; i < 3; i++)
        dvbcss_clock_unlisten(&actors[i].counter.listener);
}

Test(clock_notify, a_listener_may_remove_all)
{
    set_up_actors(simple_clock(root_clock(1000)), 0, remove_all);
    change(acted_on);
    assert_calls(1, 0, 0);
    change(acted_on);
    assert_calls(1, 0, 0);
}

static void add_one(void)
{
    count_changes_of(&added, acted_on);
}

Test(clock_notify, a_listener_that_is_added_meanwhile_hears_of_the_next_change)
{
    set_up_actors(simple_clock(root_clock(1000)), 0, add_one);
    change(acted_on);
    cr_assert_eq(added.calls, 0);
    assert_calls(1, 1, 1);
    change(acted_on);
    cr_assert_eq(added.calls, 1);
    assert_calls(2, 2, 2);
}

static void add_again(void)
{
    dvbcss_clock_listen(acted_on, &actors[0].counter.listener);
    dvbcss_clock_listen(acted_on, &actors[1].counter.listener);
}

Test(clock_notify, a_listener_that_is_added_once_more_counts_as_new)
{
    set_up_actors(simple_clock(root_clock(1000)), 0, add_again);
    change(acted_on);
    assert_calls(1, 0, 1);
    change(acted_on);
    assert_calls(2, 1, 2);
}

static void destroy_clock(void)
{
    destroy_now(acted_on);
}

Test(clock_notify, a_listener_may_destroy_the_clock)
{
    set_up_actors(simple_clock(root_clock(1000)), 0, destroy_clock);
    change(acted_on);
    assert_calls(1, 0, 0);
}

static void destroy_everything(void)
{
    destroy_clocks();
}

Test(clock_notify, a_listener_may_destroy_the_whole_tree)
{
    struct dvbcss_clock *root = root_clock(1000);
    struct dvbcss_clock *top = simple_clock(root);
    static struct counter below;

    set_up_actors(simple_clock(top), 1, destroy_everything);
    count_changes_of(&below, simple_clock(acted_on));
    change(top);
    assert_calls(1, 1, 0);
    cr_assert_eq(below.calls, 0);
}

static void change_again(void)
{
    change(acted_on);
}

Test(clock_notify, a_change_from_within_is_told_at_once_and_nobody_is_told_the_first_twice)
{
    set_up_actors(simple_clock(root_clock(1000)), 0, change_again);
    change(acted_on);
    /* The first hears of both; the others of both in one call. */
    assert_calls(2, 1, 1);
}

Test(clock_notify, a_change_from_the_last_listener_is_told_to_all_again)
{
    set_up_actors(simple_clock(root_clock(1000)), 2, change_again);
    change(acted_on);
    assert_calls(2, 2, 2);
}

static void make_unavailable(void)
{
    cr_assert_eq(dvbcss_clock_set_available(acted_on, false), 0);
}

Test(clock_notify, changes_of_two_sorts_are_told_in_one_call)
{
    set_up_actors(simple_clock(root_clock(1000)), 0, make_unavailable);
    change(acted_on);
    assert_calls(2, 1, 1);
    cr_assert_eq(actors[0].counter.changes, DVBCSS_CLOCK_AVAILABILITY);
    cr_assert_eq(actors[2].counter.changes, DVBCSS_CLOCK_TIMING | DVBCSS_CLOCK_AVAILABILITY);
}

static struct dvbcss_clock *bystander;

static void move_away(void)
{
    cr_assert_eq(dvbcss_clock_set_parent(bystander, dvbcss_clock_root(acted_on)), 0);
}

Test(clock_notify, a_child_that_moves_away_meanwhile_is_told_once)
{
    static struct counter counter;

    set_up_actors(simple_clock(root_clock(1000)), 0, move_away);
    bystander = simple_clock(acted_on);
    count_changes_of(&counter, bystander);
    change(acted_on);
    assert_calls(1, 1, 1);
    cr_assert_eq(counter.calls, 1);
}
