/*
 * Expands every public macro that takes parameters, as C11 and as C++17. check_headers.py tells
 * which ones are missing here.
 */
#include "dvbcss/cii.h"
#include "dvbcss/error.h"
#include "dvbcss/log.h"

int count_errors(void);
int log_lines(int number);
unsigned one_property(void);

int count_errors(void)
{
#define COUNT(code, name, text) +1
    return DVBCSS_ERROR_MAP(COUNT);
#undef COUNT
}

int log_lines(int number)
{
    if (number)
        dvbcss_log(DVBCSS_LOG_INFO, "test", "%d", number);
    else
        dvbcss_log(DVBCSS_LOG_ERROR, "test", "none");
    return number;
}

unsigned one_property(void)
{
    return DVBCSS_CII_ALL & ~DVBCSS_CII_BIT(DVBCSS_CII_CONTENT_ID);
}
