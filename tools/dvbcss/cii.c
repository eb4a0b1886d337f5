/*
 * dvbcss cii: shows what a TV presents, and each change of it.
 */
#include "cii_report.h"
#include "client_report.h"
#include "dvbcss/cii_client.h"
#include "watch.h"

struct cii_watch {
    struct watch watch;
    struct dvbcss_cii_client_options options;
    struct dvbcss_cii_client *client;
};

static const char help[] =
    "Usage: dvbcss cii [OPTION]... CII-URL\n"
    "Show what the television whose CII endpoint is CII-URL presents, and each change.\n"
    "\n"
    "  -1, --once              end when the connection is refused or lost (status 1)\n" HELP_TRUST(
        "wss")
        HELP_WATCH_OPTIONS(
            "messages") "\n"
                        "Each JSON line has an event: connected, disconnected, cii or "
                        "protocol_error.\n" HELP_EXIT_CODES;

static void on_connected(void *user)
{
    struct cii_watch *self = user;

    client_report_connected(&self->watch, "cii");
}

static void on_disconnected(void *user, const struct dvbcss_disconnect *why)
{
    struct cii_watch *self = user;

    client_report_disconnected(&self->watch, "cii", why);
    if (!self->options.connection.reconnect)
        watch_finish(&self->watch, EXIT_FAILED);
}

static void on_received(void *user, const struct dvbcss_cii *message, unsigned changed)
{
    struct cii_watch *self = user;

    (void)message;
    cii_report_change(&self->watch, dvbcss_cii_client_state(self->client), changed);
    watch_count(&self->watch);
}

static void on_protocol_error(void *user, const struct dvbcss_report *report, const char *text,
                              size_t length)
{
    struct cii_watch *self = user;

    (void)text;
    (void)length;
    client_report_protocol_error(&self->watch, "cii", report);
}

static int start(struct watch *watch)
{
    struct cii_watch *self = (struct cii_watch *)watch;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int error = dvbcss_cii_client_create(&self->client, &watch->loop, &self->options, &report);

    return error == 0 ? EXIT_DONE
                      : client_report_failure(watch->command, self->options.url, error, &report);
}

static void stop(struct watch *watch)
{
    dvbcss_cii_client_close(((struct cii_watch *)watch)->client, NULL, NULL);
}

static const struct watch_ops ops = {start, NULL, stop};

enum { CA_FILE = 256, PIN };

static bool take_option(struct watch *watch, int option, const char *argument)
{
    struct cii_watch *self = (struct cii_watch *)watch;

    switch (option) {
    case CA_FILE:
        self->options.connection.ca_file = argument;
        return true;
    case PIN:
        self->options.connection.pin = argument;
        return true;
    default:
        self->options.connection.reconnect = false;
        return true;
    }
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option options[] = {{"once", no_argument, NULL, '1'},
                                            {"ca-file", required_argument, NULL, CA_FILE},
                                            {"pin", required_argument, NULL, PIN},
                                            WATCH_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    static const struct dvbcss_cii_client_options defaults = DVBCSS_CII_CLIENT_OPTIONS_INIT;
    struct cii_watch self = {.options = defaults};
    int exit_code;

    watch_init(&self.watch, command, &ops, 1.0);
    exit_code =
        watch_read_options(&self.watch, argc, argv, "1" WATCH_LETTERS, options, take_option);
    if (exit_code >= 0)
        return exit_code;
    if (argc - optind != 1)
        return usage_error(command, "expected one CII-URL");
    self.options.url = argv[optind];
    self.options.events.connected = on_connected;
    self.options.events.disconnected = on_disconnected;
    self.options.events.received = on_received;
    self.options.events.protocol_error = on_protocol_error;
    self.options.user = &self;
    return watch_run(&self.watch);
}

const struct command command_cii = {"cii", "show what a TV presents (CSS-CII)", help, run};
