#include "dvbcss/error.h"

const char *dvbcss_error_name(int error)
{
    switch (error) {
    case DVBCSS_OK:
        return "DVBCSS_OK";
#define NAME_CASE(code, name, text)                                                                \
    case code:                                                                                     \
        return "DVBCSS_" #name;
        DVBCSS_ERROR_MAP(NAME_CASE)
#undef NAME_CASE
    default:
        return "DVBCSS_E?";
    }
}

const char *dvbcss_error_text(int error)
{
    switch (error) {
    case DVBCSS_OK:
        return "success";
#define TEXT_CASE(code, name, text)                                                                \
    case code:                                                                                     \
        return text;
        DVBCSS_ERROR_MAP(TEXT_CASE)
#undef TEXT_CASE
    default:
        return "unknown error";
    }
}
