/*
 * A wall-clock service on the public API alone, to be measured from outside:
 *
 *     wc_answer PORT [THREADS [ADDRESS...]]
 *
 * One thread on 127.0.0.1 unless told otherwise. Prints the counters when it is ended by SIGINT or
 * SIGTERM.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "dvbcss/wc_service.h"

static void print_counters(const struct dvbcss_wc_service *service)
{
    struct dvbcss_wc_server_counters counters;

    dvbcss_wc_service_counters(service, &counters);
    printf("answers %" PRIu64 ", unstamped %" PRIu64 ", kernel drops %" PRIu64
           ", send failures %" PRIu64 "\n",
           counters.answers, counters.unstamped, counters.kernel_drops, counters.send_failures);
}

int main(int argc, char **argv)
{
    static const char *const local[] = {"127.0.0.1"};
    struct dvbcss_wc_service_options options = DVBCSS_WC_SERVICE_OPTIONS_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_wc_service *service;
    sigset_t ends;
    int signal_number;
    int result;

    if (argc < 2) {
        fprintf(stderr, "usage: wc_answer PORT [THREADS [ADDRESS...]]\n");
        return 2;
    }
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    options.server.port = (uint16_t)strtoul(argv[1], NULL, 10);
    options.threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    options.addresses = argc > 3 ? (const char *const *)(argv + 3) : local;
    options.address_count = argc > 3 ? (size_t)argc - 3 : 1;
    result = dvbcss_wc_service_start(&service, &options, &report);
    if (result != 0) {
        fprintf(stderr, "wc_answer: %s: %s\n", dvbcss_error_text(result), report.reason);
        return 1;
    }
    sigwait(&ends, &signal_number);
    print_counters(service);
    dvbcss_wc_service_stop(service);
    return 0;
}
