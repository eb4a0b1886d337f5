/* Uses libdvbcss-core as an installed library. */
#include <dvbcss/error.h>
#include <dvbcss/url.h>
#include <stdio.h>

int main(void)
{
    struct dvbcss_url url = DVBCSS_URL_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int error = dvbcss_url_parse("ws://127.0.0.1:7681/cii", DVBCSS_URL_WS, &url, &report);

    if (error) {
        fprintf(stderr, "%s: %s\n", dvbcss_error_name(error), report.reason);
        return 1;
    }
    return url.port == 7681 ? 0 : 1;
}
