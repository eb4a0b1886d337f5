// Uses libdvbcss-core as an installed library, from C++.
#include <cstdio>
#include <dvbcss/error.h>
#include <dvbcss/url.h>

int main()
{
    dvbcss_url url = DVBCSS_URL_INIT;
    dvbcss_report report = DVBCSS_REPORT_INIT;
    int error = dvbcss_url_parse("udp://127.0.0.1:6677", DVBCSS_URL_UDP, &url, &report);

    if (error != 0) {
        std::fprintf(stderr, "%s: %s\n", dvbcss_error_name(error), report.reason);
        return 1;
    }
    return url.port == 6677 ? 0 : 1;
}
