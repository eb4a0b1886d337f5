/*
 * A companion in few lines: follows the TV at a CII URL and prints where it is
 * on its timeline.
 *
 *     example_companion CII-URL [LINES]
 *
 * With LINES it ends after so many positions.
 */
#include <dvbcss/companion.h>
#include <dvbcss/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct follower {
    struct dvbcss_companion *companion;
    uv_timer_t timer;
    int lines_left;
};

static void on_state(void *user, enum dvbcss_companion_state state)
{
    (void)user;
    printf("%s\n", dvbcss_companion_state_text(state));
}

static void on_timer(uv_timer_t *timer)
{
    struct follower *follower = timer->data;
    struct dvbcss_companion_snapshot now;

    dvbcss_companion_snapshot(follower->companion, &now);
    if (!now.available)
        return;
    printf("%s: %.6f s at speed %g, within %.6f s\n", now.selector, now.position_s, now.speed,
           now.error_bound_s);
    if (follower->lines_left > 0 && --follower->lines_left == 0) {
        uv_close((uv_handle_t *)timer, NULL);
        dvbcss_companion_close(follower->companion, NULL, NULL);
    }
}

int main(int argc, char **argv)
{
    struct dvbcss_companion_options options = DVBCSS_COMPANION_OPTIONS_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct follower follower = {.lines_left = argc > 2 ? (int)strtol(argv[2], NULL, 10) : -1};
    uv_loop_t *loop = uv_default_loop();
    int error;

    if (argc < 2) {
        fprintf(stderr, "usage: %s CII-URL [LINES]\n", argv[0]);
        return 2;
    }
    options.cii_url = argv[1];
    options.events.state = on_state;
    error = dvbcss_companion_create(&follower.companion, loop, &options, &report);
    if (error) {
        fprintf(stderr, "%s: %s %s\n", argv[1], dvbcss_error_text(error), report.reason);
        return 1;
    }
    follower.timer.data = &follower;
    uv_timer_init(loop, &follower.timer);
    uv_timer_start(&follower.timer, on_timer, 0, 200);
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) == 0 ? 0 : 1;
}
