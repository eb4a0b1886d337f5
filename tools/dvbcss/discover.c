/*
 * dvbcss discover: finds the TVs on the network, and asks each what it presents.
 */
#include <stdlib.h>
#include <string.h>

#include "common/list.h"
#include "discover_report.h"
#include "dvbcss/cii_client.h"
#include "find_tv.h"
#include "watch.h"

/* How long a TV may take to say what it presents. */
enum { LOOK_MS = 2000, INTERFACES_MAX = 16 };

struct discover_watch {
    struct watch watch;
    struct dvbcss_discovery_client_options options;
    const char *interfaces[INTERFACES_MAX];
    struct dvbcss_discovery_client *client;
    /** Devices that are no TVs are shown, too. */
    bool all;
    /** Whoever answers is asked by CII what it presents. */
    bool look;
    size_t tvs;
    bool searched;
    struct list_node looks;
};

/* A TV that is being asked what it presents. */
struct look {
    struct list_node node;
    struct discover_watch *self;
    struct dvbcss_discovered device;
    struct dvbcss_cii_client *client;
    uv_timer_t timer;
    char trouble[256];
};

static const char help[] =
    "Usage: dvbcss discover [OPTION]... [URL|HOST]\n"
    "Show the televisions on the network that companions can use: name, URLs and what they\n"
    "present. With the URL of a device description, or a host, ask there only: for networks that\n"
    "multicast does not get through.\n"
    "\n"
    "  -w, --wait SECONDS      how long to search (3)\n"
    "  -I, --interface NAME    search there only; repeat it for others\n"
    "  -p, --port PORT         of the device description at HOST (7681)\n"
    "      --path PATH         of the device description at HOST (/dd.xml)\n"
    "  -a, --all               show DIAL devices that are no such television, too, and why\n"
    "      --no-cii            do not ask the televisions what they "
    "present\n" HELP_WATCH_OPTIONS("televisions") "\n"
                                                  "Each JSON line has an event: tv, other or "
                                                  "done.\n" HELP_EXIT_CODES
                                                  "With status 1 no television was found.\n";

/* ---- the end -------------------------------------------------------------------------------- */

static void finish_if_over(struct discover_watch *self)
{
    if (!self->searched || !list_empty(&self->looks))
        return;
    discover_report_done(&self->watch, dvbcss_discovery_client_counters(self->client), self->tvs);
    watch_finish(&self->watch, self->tvs > 0 ? EXIT_DONE : EXIT_FAILED);
}

/* ---- what a TV presents --------------------------------------------------------------------- */

static void on_look_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_look_closed(void *user)
{
    struct look *look = user;

    uv_close((uv_handle_t *)&look->timer, on_look_timer_closed);
}

static void end_look(struct look *look)
{
    list_remove(&look->node);
    dvbcss_cii_client_close(look->client, on_look_closed, look);
}

static void show_look(struct look *look)
{
    struct discover_watch *self = look->self;

    /* The output may fail and end everything: this one is ours to end. */
    list_remove(&look->node);
    discover_report_tv(&self->watch, &look->device, dvbcss_cii_client_state(look->client),
                       look->trouble);
    end_look(look);
    watch_count(&self->watch);
    if (self->watch.running)
        finish_if_over(self);
}

static void on_received(void *user, const struct dvbcss_cii *message, unsigned changed)
{
    (void)message;
    (void)changed;
    show_look(user);
}

static void on_disconnected(void *user, const struct dvbcss_disconnect *why)
{
    struct look *look = user;

    snprintf(look->trouble, sizeof look->trouble, "%s", why->text);
    show_look(look);
}

static void on_look_over(uv_timer_t *timer)
{
    struct look *look = timer->data;

    snprintf(look->trouble, sizeof look->trouble, "it does not say what it presents");
    show_look(look);
}

/* Asks a TV; false if that cannot be done. */
static bool start_look(struct discover_watch *self, const struct dvbcss_discovered *device)
{
    struct dvbcss_cii_client_options options = DVBCSS_CII_CLIENT_OPTIONS_INIT;
    struct look *look = calloc(1, sizeof *look);

    if (!look)
        return false;
    look->self = self;
    look->device = *device;
    look->timer.data = look;
    options.url = look->device.inter_dev_sync_url;
    options.connection.reconnect = false;
    options.events.received = on_received;
    options.events.disconnected = on_disconnected;
    options.user = look;
    if (dvbcss_cii_client_create(&look->client, &self->watch.loop, &options, NULL) != 0) {
        free(look);
        return false;
    }
    uv_timer_init(&self->watch.loop, &look->timer);
    uv_timer_start(&look->timer, on_look_over, LOOK_MS, 0);
    list_append(&self->looks, &look->node);
    return true;
}

/* ---- events of the search ------------------------------------------------------------------- */

static void on_found(void *user, const struct dvbcss_discovered *device)
{
    struct discover_watch *self = user;

    if (device->stage != DVBCSS_DISCOVERY_DONE) {
        /* Who asks about one place wants to know what is wrong with it. */
        if (self->all || self->options.location || self->options.host)
            discover_report_other(&self->watch, device);
        return;
    }
    self->tvs++;
    if (self->look && *device->inter_dev_sync_url && start_look(self, device))
        return;
    discover_report_tv(&self->watch, device, NULL, "");
    watch_count(&self->watch);
}

static void on_done(void *user)
{
    struct discover_watch *self = user;

    self->searched = true;
    finish_if_over(self);
}

/* ---- start and stop ------------------------------------------------------------------------- */

static int start(struct watch *watch)
{
    struct discover_watch *self = (struct discover_watch *)watch;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int error =
        dvbcss_discovery_client_create(&self->client, &watch->loop, &self->options, &report);

    if (error == 0)
        return EXIT_DONE;
    failure(watch->command, "%s%s%s", self->options.location ? self->options.location : "",
            self->options.location ? ": " : "",
            *report.reason ? report.reason : dvbcss_error_text(error));
    return *report.reason ? EXIT_USAGE : EXIT_FAILED;
}

static void stop(struct watch *watch)
{
    struct discover_watch *self = (struct discover_watch *)watch;
    struct list_node *node, *after;

    LIST_FOR_EACH (node, after, &self->looks)
        end_look(CONTAINER_OF(node, struct look, node));
    dvbcss_discovery_client_close(self->client, NULL, NULL);
}

static const struct watch_ops ops = {start, NULL, stop};

enum { PATH = 256, NO_CII };

static bool take_option(struct watch *watch, int option, const char *argument)
{
    struct discover_watch *self = (struct discover_watch *)watch;
    double seconds;
    int64_t port;

    switch (option) {
    case 'w':
        if (!read_number(argument, 0.1, 3600, &seconds))
            return false;
        self->options.duration_ms = (unsigned)(seconds * 1000);
        return true;
    case 'I':
        if (self->options.interface_count == INTERFACES_MAX)
            return false;
        self->interfaces[self->options.interface_count++] = argument;
        return true;
    case 'p':
        if (!read_integer(argument, 1, 65535, &port))
            return false;
        self->options.host_port = (uint16_t)port;
        return true;
    case PATH:
        self->options.host_path = argument;
        return *argument == '/';
    case NO_CII:
        self->look = false;
        return true;
    default:
        self->all = true;
        return true;
    }
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option options[] = {{"wait", required_argument, NULL, 'w'},
                                            {"interface", required_argument, NULL, 'I'},
                                            {"port", required_argument, NULL, 'p'},
                                            {"path", required_argument, NULL, PATH},
                                            {"all", no_argument, NULL, 'a'},
                                            {"no-cii", no_argument, NULL, NO_CII},
                                            WATCH_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    static const struct dvbcss_discovery_client_options defaults =
        DVBCSS_DISCOVERY_CLIENT_OPTIONS_INIT;
    struct discover_watch self = {.options = defaults, .look = true};
    int exit_code;

    watch_init(&self.watch, command, &ops, 1.0);
    list_init(&self.looks);
    exit_code =
        watch_read_options(&self.watch, argc, argv, "w:I:p:a" WATCH_LETTERS, options, take_option);
    if (exit_code >= 0)
        return exit_code;
    if (argc - optind > 1)
        return usage_error(command, "expected one URL or HOST at most");
    if (optind < argc)
        find_tv_at(&self.options, argv[optind]);
    self.options.interfaces = self.interfaces;
    self.options.events.found = on_found;
    self.options.events.done = on_done;
    self.options.user = &self;
    return watch_run(&self.watch);
}

const struct command command_discover = {"discover", "find the TVs on the network", help, run};
