#include "descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "dvbcss/log.h"

enum {
    /* For everything that is no connection to an endpoint: control, wall clock, files, plain
     * requests and those that are refused. */
    SPARE = 1024,
    /* Of these for nobody but control, or a quarter if there are few. */
    CONTROL_SHARE = 512,
};

static rlim_t wanted(const struct config *config)
{
    if (config->http.fd_limit == 0)
        return (rlim_t)(config->cii.max_connections + config->ts.max_connections +
                        config->wc_ws.max_connections + config->app2app.max_connections +
                        config->page.max_connections + SPARE);
    return config->http.fd_limit < SPARE ? SPARE : (rlim_t)config->http.fd_limit;
}

static struct descriptors share(rlim_t number)
{
    rlim_t control = number / 4 < CONTROL_SHARE ? number / 4 : CONTROL_SHARE;

    return (struct descriptors){(unsigned)(number - control), (unsigned)number};
}

struct descriptors descriptors_prepare(const struct config *config)
{
    rlim_t number = wanted(config);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return share(number);
    if (limit.rlim_max < number) {
        dvbcss_log(DVBCSS_LOG_WARNING, "descriptors",
                   "the system allows %llu file descriptors; the limits of connections need %llu",
                   (unsigned long long)limit.rlim_max, (unsigned long long)number);
        number = limit.rlim_max;
    }
    if (limit.rlim_cur < number) {
        limit.rlim_cur = number;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            dvbcss_log(DVBCSS_LOG_WARNING, "descriptors",
                       "the limit of file descriptors cannot be raised: %s", strerror(errno));
    }
    return share(number);
}
