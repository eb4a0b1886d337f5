/*
 * dvbcss companion: finds its place on a TV's timeline from one CII URL, and shows it.
 */
#include <math.h>
#include <stdlib.h>

#include "cii_report.h"
#include "client_report.h"
#include "dvbcss/companion.h"
#include "find_tv.h"
#include "watch.h"

enum { SELECTORS_MAX = 16 };

struct companion_watch {
    struct watch watch;
    struct dvbcss_companion_options options;
    const char *selectors[SELECTORS_MAX];
    struct dvbcss_companion *companion;
};

static const char help[] =
    "Usage: dvbcss companion [OPTION]... [CII-URL|NAME]\n"
    "Follow a timeline of a television and show where it is and how far that may be off: the one\n"
    "whose CII endpoint is CII-URL, as ws://192.168.1.5:7681/cii, or which 'dvbcss discover' "
    "shows\n"
    "as NAME, or without either the only one there is.\n"
    "\n"
    "  -T, --timeline SELECTOR timeline wanted, as urn:dvb:css:timeline:pts; repeat it for\n"
    "                          others, best first; without it the best that the TV lists\n"
    "  -r, --rate TICKS        ticks per second of a timeline that the TV does not list\n"
    "  -s, --stem TEXT         ask for content whose id begins with TEXT only\n"
    "      --this-content      ask for the content that CII names only\n"
    "      --threshold SECONDS leave smaller jumps of the timeline alone (0.0001)\n"
    "      --max-error SECONDS the wall clock counts as available up to this error (any)\n"
    "      --freq-error PPM    largest frequency error of this machine's clock (500)\n" HELP_TRUST(
        "wss") HELP_INTERVAL("0.2")
        HELP_WATCH_OPTIONS(
            "samples while synchronised") "\n"
                                          "Each JSON line has an event: state, cii, trouble or "
                                          "position. Times named\n"
                                          "local_ns are of CLOCK_MONOTONIC_RAW.\n" HELP_EXIT_CODES;

/* ---- what is shown -------------------------------------------------------------------------- */

static void print_position(struct companion_watch *self,
                           const struct dvbcss_companion_snapshot *now)
{
    json_t *line = json_pack("{s:s, s:I, s:s, s:o, s:o, s:o, s:b}", "event", "position", "local_ns",
                             (json_int_t)(now->wall_clock_ns - now->wall_clock_offset_ns), "state",
                             dvbcss_companion_state_name(now->state), "content_id",
                             watch_json_text(now->content_id), "presentation_status",
                             watch_json_text(now->presentation_status), "selector",
                             watch_json_text(now->selector), "available", now->available);

    if (line && now->available) {
        json_object_set_new(line, "position",
                            watch_json_number(dvbcss_ticks_to_double(now->position)));
        json_object_set_new(line, "position_s", watch_json_number(now->position_s));
        json_object_set_new(line, "speed", watch_json_number(now->speed));
        json_object_set_new(line, "bound_s", watch_json_number(now->error_bound_s));
    }
    if (line && now->wall_clock_available) {
        json_object_set_new(line, "wall_ns", json_integer(now->wall_clock_ns));
        json_object_set_new(line, "wall_bound_s", watch_json_number(now->wall_clock_dispersion_s));
        json_object_set_new(line, "rtt_s",
                            watch_json_number((double)now->wall_clock.rtt_last_ns / 1e9));
    }
    watch_print(&self->watch, line);
}

static void show_position(struct companion_watch *self, const struct dvbcss_companion_snapshot *now)
{
    double seconds = fabs(now->position_s);

    if (!now->available) {
        watch_wait(&self->watch, dvbcss_companion_state_text(now->state));
        return;
    }
    watch_show(&self->watch, "%s%02.0f:%02.0f:%06.3f  speed %g  +/- %.3f ms  rtt %.3f ms  %s",
               now->position_s < 0 ? "-" : "", floor(seconds / 3600),
               floor(fmod(seconds, 3600) / 60), fmod(seconds, 60), now->speed,
               now->error_bound_s * 1e3, (double)now->wall_clock.rtt_last_ns / 1e6, now->selector);
}

static void sample(struct watch *watch)
{
    struct companion_watch *self = (struct companion_watch *)watch;
    struct dvbcss_companion_snapshot now;

    dvbcss_companion_snapshot(self->companion, &now);
    if (watch->json)
        print_position(self, &now);
    else
        show_position(self, &now);
    if (now.available)
        watch_count(watch);
}

/* ---- events --------------------------------------------------------------------------------- */

static void on_state(void *user, enum dvbcss_companion_state state)
{
    struct companion_watch *self = user;

    if (self->watch.json)
        watch_print(&self->watch, json_pack("{s:s, s:s, s:s}", "event", "state", "state",
                                            dvbcss_companion_state_name(state), "text",
                                            dvbcss_companion_state_text(state)));
    else
        watch_say(&self->watch, "%s", dvbcss_companion_state_text(state));
    self->watch.waiting = dvbcss_companion_state_text(state);
}

static void on_cii(void *user, const struct dvbcss_cii *message, unsigned changed)
{
    struct companion_watch *self = user;

    (void)message;
    if (changed != 0)
        cii_report_change(&self->watch, dvbcss_companion_cii(self->companion), changed);
}

static void on_trouble(void *user, enum dvbcss_companion_part part, int error, const char *text)
{
    struct companion_watch *self = user;

    client_report_trouble(&self->watch, dvbcss_companion_part_name(part), error, text);
}

/* ---- start and stop ------------------------------------------------------------------------- */

static int start(struct watch *watch)
{
    struct companion_watch *self = (struct companion_watch *)watch;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int error = dvbcss_companion_create(&self->companion, &watch->loop, &self->options, &report);

    return error == 0
               ? EXIT_DONE
               : client_report_failure(watch->command, self->options.cii_url, error, &report);
}

static void stop(struct watch *watch)
{
    dvbcss_companion_close(((struct companion_watch *)watch)->companion, NULL, NULL);
}

static const struct watch_ops ops = {start, sample, stop};

enum { THIS_CONTENT = 256, THRESHOLD, MAX_ERROR, FREQ_ERROR, CA_FILE, PIN };

static bool take_option(struct watch *watch, int option, const char *argument)
{
    struct companion_watch *self = (struct companion_watch *)watch;
    struct dvbcss_companion_options *options = &self->options;

    switch (option) {
    case 'T':
        if (options->selector_count == SELECTORS_MAX)
            return false;
        self->selectors[options->selector_count++] = argument;
        return true;
    case 'r':
        return read_rate(argument, &options->timeline_rate);
    case 's':
        options->stem = DVBCSS_COMPANION_STEM_GIVEN;
        options->content_id_stem = argument;
        return true;
    case THIS_CONTENT:
        options->stem = DVBCSS_COMPANION_STEM_CONTENT;
        return true;
    case THRESHOLD:
        return read_number(argument, 0, 1e6, &options->threshold_s);
    case MAX_ERROR:
        return read_number(argument, 0, 1e6, &options->max_dispersion_s);
    case FREQ_ERROR:
        return read_number(argument, 0, 100000, &options->max_freq_error_ppm);
    case PIN:
        options->connection.pin = argument;
        return true;
    default:
        options->connection.ca_file = argument;
        return true;
    }
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option options[] = {{"timeline", required_argument, NULL, 'T'},
                                            {"rate", required_argument, NULL, 'r'},
                                            {"stem", required_argument, NULL, 's'},
                                            {"this-content", no_argument, NULL, THIS_CONTENT},
                                            {"threshold", required_argument, NULL, THRESHOLD},
                                            {"max-error", required_argument, NULL, MAX_ERROR},
                                            {"freq-error", required_argument, NULL, FREQ_ERROR},
                                            {"ca-file", required_argument, NULL, CA_FILE},
                                            {"pin", required_argument, NULL, PIN},
                                            WATCH_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    static const struct dvbcss_companion_options defaults = DVBCSS_COMPANION_OPTIONS_INIT;
    struct companion_watch self = {.options = defaults};
    struct dvbcss_discovered tv;
    int exit_code;

    watch_init(&self.watch, command, &ops, 0.2);
    exit_code =
        watch_read_options(&self.watch, argc, argv, "T:r:s:" WATCH_LETTERS, options, take_option);
    if (exit_code >= 0)
        return exit_code;
    if (argc - optind > 1)
        return usage_error(command, "expected one CII-URL or NAME at most");
    exit_code =
        find_cii_url(command, optind < argc ? argv[optind] : NULL, &tv, &self.options.cii_url);
    if (exit_code != EXIT_DONE)
        return exit_code;
    self.options.selectors = self.selectors;
    self.options.events.state = on_state;
    self.options.events.cii = on_cii;
    self.options.events.trouble = on_trouble;
    self.options.user = &self;
    return watch_run(&self.watch);
}

const struct command command_companion = {
    "companion", "find the place on a TV's timeline, and follow it", help, run};
